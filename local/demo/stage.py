"""What is expected of the demo, and what was seen of it."""

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
    "captioned": "its listener in English reads what was said, at most one word in ten wrong",
    "translated": "those in Spanish and French read the same captions in theirs, in order",
    "created": "a speaker, signed in through Cognito, creates a session",
    "joined": "four listeners join it, in es, es, fr and de",
    "told at once": "the speaker is told of each new language at once: es, fr, de",
    "requested": "getSessionStatus is answered: 4 listeners, de 1, es 2, fr 1",
    "paused": "pauseBroadcast and resumeBroadcast reach all four, with the speaker's version",
    "changed": "Fleur changes from fr to it, and the speaker is told at once",
    "refreshed": "the speaker and Elena go over to new sockets, and no count moves",
    "first status": "a periodic status says 4: de 1, es 2, it 1",
    "left": "a listener leaves",
    "second status": "the next periodic status, 28 to 32 s later, says 3: de 1, es 1, it 1",
    "ended": "endSession: each of the three gets exactly one sessionEnded, the one who left none",
}


class Stage(Timeline):
    """What is shown: every message as it happens, and in the end what was seen."""

    def __init__(self) -> None:
        super().__init__()
        self._seen: dict[str, str] = {}

    def saw(self, expectation: str, detail: str = "") -> None:
        self._seen[expectation] = detail

    def checklist(self) -> bool:
        """Print what was expected and seen; return whether that was all."""
        self.heading("Expected and seen")
        for key, text in EXPECTATIONS.items():
            mark = self.painted("✓", "32") if key in self._seen else self.painted("✗", "31")
            detail = self._seen.get(key, "not seen")
            self.line(f"  {mark} {text}{f'  ({detail})' if detail else ''}")
        return self._seen.keys() == EXPECTATIONS.keys()
