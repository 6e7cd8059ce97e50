"""Audio shows that the speaker's socket is alive; chunks come ten times a second."""

from collections import OrderedDict
from dataclasses import dataclass, field

from live_sessions.sessions.connections import ConnectionTable
from live_sessions.sessions.hearing import minute_of

REMEMBERED_SPEAKERS = 1000


@dataclass(frozen=True)
class SpeakersHeard:
    """Renews the rows of speakers who send audio: each once a minute, not with each chunk.

    The container remembers whom it renewed. Another container's renewal in the same minute makes
    the condition of this one's false.
    """

    connections: ConnectionTable
    remembered_speakers: int = REMEMBERED_SPEAKERS
    _minutes: OrderedDict[str, int] = field(default_factory=OrderedDict[str, int])

    def heard(self, connection_id: str, *, at_ms: int) -> None:
        """Renew `lastHeardAt`, if the row has one and this container has not tried this minute."""
        minute = minute_of(at_ms)
        if self._minutes.get(connection_id, -1) >= minute:
            return
        self._minutes[connection_id] = minute
        self._minutes.move_to_end(connection_id)
        if len(self._minutes) > self.remembered_speakers:
            self._minutes.popitem(last=False)
        self.connections.renew(connection_id, at_ms=at_ms)
