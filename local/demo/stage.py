"""The demo's expectations, and which of them were seen."""

from dataclasses import dataclass

from local.timeline import Timeline

GRACE_SECONDS = 10.0
GRACE_TOLERANCE_SECONDS = 8.0

EXPECTATIONS = {
    "kept": (
        f"a session outlives its speaker's lost socket for {GRACE_SECONDS:g} s, "
        f"and for at most {GRACE_TOLERANCE_SECONDS:g} s more"
    ),
    "lost": "then its listener gets exactly one sessionEnded, reason speakerLost",
    "spoken": "a speech is sent as it is spoken, and nothing of it is refused",
    "captioned": "the English listener reads what was said, at most one word in ten wrong",
    "translated": "the Spanish and French listeners read the same captions, translated, in order",
    "created": "a speaker, signed in through Cognito, creates a session",
    "joined": "four listeners join it, in es, es, fr and de",
    "notified at once": "the speaker is notified of each new language at once: es, fr, de",
    "requested": "getSessionStatus is answered: 4 listeners, de 1, es 2, fr 1",
    "paused": "pauseBroadcast and resumeBroadcast reach all four, with the speaker's version",
    "changed": "Fleur changes from fr to it, and the speaker is notified at once",
    "refreshed": "the speaker and Elena move to new sockets, and no count changes",
    "first status": "a periodic status says 4: de 1, es 2, it 1",
    "left": "a listener leaves",
    "second status": "the next periodic status, 28 to 32 s later, says 3: de 1, es 1, it 1",
    "ended": "endSession: each of the three gets exactly one sessionEnded, the one who left none",
    "transcript": "the speech's speaker gets a link to its transcript, with each caption in it",
}


@dataclass(frozen=True)
class KeptSession:
    """A session with a transcript: its id, and the captions that its transcript should have."""

    session_id: str
    captions: list[str]


class Stage(Timeline):
    """Prints every message as it happens, and at the end the list of expectations.

    `keeps_transcripts`: whether the stack does. `speech` is the session of the speech, whose
    transcript is written while the next scene is played; None if there was no speech.
    """

    def __init__(self) -> None:
        super().__init__()
        self.keeps_transcripts = False
        self.speech: KeptSession | None = None
        self._seen: dict[str, str] = {}

    def saw(self, expectation: str, detail: str = "") -> None:
        """Record that an expectation (a key of EXPECTATIONS) was met."""
        self._seen[expectation] = detail

    def checklist(self) -> bool:
        """Print the expectations and return whether all of them were seen."""
        self.heading("Expected and seen")
        for key, text in EXPECTATIONS.items():
            mark = self.painted("✓", "32") if key in self._seen else self.painted("✗", "31")
            detail = self._seen.get(key, "not seen")
            self.line(f"  {mark} {text}{f'  ({detail})' if detail else ''}")
        return self._seen.keys() == EXPECTATIONS.keys()
