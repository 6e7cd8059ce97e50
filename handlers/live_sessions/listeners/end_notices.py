"""sessionEnded for each member of a session that is over: claimed, sent, then the row is removed.

Whoever writes the claim into the member's row sends the frame, so that two passes do not both send
it. The row stays until the frame was delivered: if the function dies in between, the claim runs
out, and a later pass finds the row, and sends the frame, perhaps again.
"""

from dataclasses import dataclass

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from live_sessions.aws.runtime import Clock, hashed, logger
from live_sessions.sessions.connections import ConnectionTable, NoticeClaim
from live_sessions.wire.frames import SessionEnded
from live_sessions.wire.sockets import Delivery, PostResult, Sockets

GIVEN_UP_AFTER_SECONDS = 600
"""By then API Gateway has closed a socket that takes no frame (its idle limit)."""


@dataclass(frozen=True)
class EndNotices:
    """Notifies the members of ended sessions; reconcile starts a pass until there is none left."""

    connections: ConnectionTable
    sockets: Sockets
    clock: Clock

    def claim(self, connection_id: str, session_id: str) -> NoticeClaim:
        """Claim the notice of a member; raises botocore's errors."""
        return self.connections.claim_end_notice(
            connection_id, session_id, at_ms=self.clock.now_ms()
        )

    def send_once(self, connection_id: str, frame: SessionEnded) -> PostResult:
        """Send a notice that was claimed, and remove the listener's row once it is delivered."""
        result = self.sockets.post_once(connection_id, msgspec.json.encode(frame))
        if result.delivery in (Delivery.DELIVERED, Delivery.GONE):
            self.remove(connection_id, frame.session_id)
        return result

    def remove(self, connection_id: str, session_id: str) -> None:
        """Remove the row of a listener; if this fails, a later pass sends the frame again."""
        try:
            self.connections.remove(connection_id, session_id=session_id)
        except (ClientError, BotoCoreError):
            logger.exception(
                "A row is left to a later pass",
                extra={"session": session_id, "connection": hashed(connection_id)},
            )

    def notify_speaker(self, connection_id: str, frame: SessionEnded, ended_at: int | None) -> bool:
        """Notify the speaker, who is no member any more if they ended the session themselves.

        Returns whether there is nothing left to do; raises botocore's errors.
        """
        claim = self.claim(connection_id, frame.session_id)
        if claim is not NoticeClaim.MINE:
            return claim is NoticeClaim.NOT_A_MEMBER
        delivery = self.sockets.post(connection_id, frame)
        if delivery is Delivery.FAILED and not self.is_given_up(ended_at):
            return False
        self.connections.release_speaker(connection_id, frame.session_id)
        return True

    def is_given_up(self, ended_at: int | None) -> bool:
        """Whether a notice that cannot be delivered is not tried again; `ended_at` in epoch ms."""
        if ended_at is None:
            return False
        return self.clock.now_ms() - ended_at >= GIVEN_UP_AFTER_SECONDS * 1000
