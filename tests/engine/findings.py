"""What people met on a stack while it was changed, against what they should have met."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from client.people import Listener
from client.sockets import Client, Frame
from contract.actions import ACTIONS, Rate

FAILURES = frozenset({"", "error", "transcriptionError", "rateLimitWarning"})
"""Types of frames that nobody should receive; those of API Gateway itself have none."""
OF_ONE_FRAME = frozenset({"connectionId", "requestId", "timestamp"})
CONTROL_FRAMES = frozenset(
    action.to_listeners
    for action in ACTIONS.values()
    if Rate.CONTROLS in action.rates and action.to_listeners is not None
)
EXAMPLES = 3


@dataclass
class Findings:
    """Each case in words of its own, and how often each action was sent and words were said."""

    done: Counter[str] = field(default_factory=Counter[str])
    error_frames: list[str] = field(default_factory=list)
    closed_sockets: list[str] = field(default_factory=list)
    refused_handshakes: list[str] = field(default_factory=list)
    without_answer: list[str] = field(default_factory=list)
    words_missing: list[str] = field(default_factory=list)
    words_doubled: list[str] = field(default_factory=list)
    captions_wrong: list[str] = field(default_factory=list)
    controls_missing: list[str] = field(default_factory=list)
    controls_doubled: list[str] = field(default_factory=list)
    ticks_missing: list[str] = field(default_factory=list)
    ticks_doubled: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        found = {name: cases for name, cases in vars(self).items() if name != "done"}
        lines = [f"{name.replace('_', ' ')}: {len(cases)}" for name, cases in found.items()]
        examples = [
            f"  {name}, {count} times: {case}"
            for name, cases in found.items()
            for case, count in Counter(cases).most_common(EXAMPLES)
        ]
        done = ", ".join(f"{count} {what}" for what, count in self.done.items())
        return "\n".join([f"done: {done}", *lines, *examples])

    def add_frames(self, client: Client) -> None:
        """Find the frames that nobody should receive."""
        self.error_frames += [
            str({key: value for key, value in frame.body.items() if key not in OF_ONE_FRAME})
            for frame in client.received()
            if frame.type in FAILURES
        ]

    def add_captions(self, listener: Listener, language: str, spoken: Sequence[int]) -> None:
        """Compare what a listener read with what was said, word by word and in order."""
        read = words_read(listener)
        missing, doubled = _difference(spoken, read)
        self.words_missing += [f"{word} in {language}" for word in missing]
        self.words_doubled += [f"{word} in {language}" for word in doubled]
        if read != sorted(read):
            self.captions_wrong.append(f"out of order in {language}")
        self.captions_wrong += [
            f"{caption['text']!r} in {language} for {caption['originalText']!r}"
            for caption in listener.captions()
            if not _is_right(caption, language)
        ]

    def add_controls(self, listener: Listener, versions: Sequence[int]) -> None:
        """Compare the controls that reached a listener with those that the speaker was answered."""
        missing, doubled = _difference(versions, versions_received(listener))
        self.controls_missing += [f"version {version}" for version in missing]
        self.controls_doubled += [f"version {version}" for version in doubled]

    def add_ticks(self, what: str, positions: Sequence[int]) -> None:
        """Compare the positions of ticks, counted in intervals, with all between first and last."""
        missing, doubled = _difference(range(min(positions), max(positions) + 1), positions)
        self.ticks_missing += [f"{what} {position}" for position in missing]
        self.ticks_doubled += [f"{what} {position}" for position in doubled]


def words_read(listener: Listener) -> list[int]:
    """The numbers that were said, as the listener's captions name them, in the order they came."""
    return [int(word) for each in listener.captions() for word in each["originalText"].split()]


def versions_received(listener: Listener) -> list[int]:
    """The versions of the broadcast that came with controls."""
    return [
        frame["broadcastState"]["version"]
        for frame in listener.received()
        if frame.type in CONTROL_FRAMES
    ]


def _difference(expected: Iterable[int], found: Iterable[int]) -> tuple[list[int], list[int]]:
    wanted, counts = Counter(expected), Counter(found)
    return sorted((wanted - counts).elements()), sorted((counts - wanted).elements())


def _is_right(caption: Frame, language: str) -> bool:
    """Whether the text is in the listener's language, as the stand-in for Translate marks it."""
    is_translated = language != caption["sourceLanguage"]
    text = f"[{language}] {caption['originalText']}" if is_translated else caption["originalText"]
    got = (caption["targetLanguage"], caption["text"], caption["translated"])
    return got == (language, text, is_translated)
