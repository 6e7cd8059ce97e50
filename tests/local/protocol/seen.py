"""The frames that this package's clients have received so far."""

import threading

from client.sockets import Client, Frame


class Seen:
    """Frame types, error codes and reasons of updates, as they arrive on any socket."""

    def __init__(self) -> None:
        self.frame_types: set[str] = set()
        self.codes: set[str] = set()
        self.update_reasons: set[str] = set()
        self._lock = threading.Lock()

    def note(self, client: Client, frame: Frame) -> None:
        with self._lock:
            self.frame_types.add(frame.type)
            if frame.type == "error":
                self.codes.add(frame["code"])
            if frame.type == "sessionStatus":
                self.update_reasons.add(frame["updateReason"])
