"""Frames as the service takes them: text, of no more than so many bytes, closed with a code."""

from hypercorn.protocol.events import StreamClosed
from hypercorn.protocol.ws_stream import WSStream
from wsproto.events import BytesMessage, CloseConnection, Message, Ping

from websocket_gateway.limits import MAX_FRAME_BYTES, MAX_MESSAGE_BYTES


class FrameCheckingStream(WSStream):
    """Hypercorn's stream, which hides frames and the client's close code from applications."""

    frame_bytes = 0
    message_bytes = 0
    refused = False

    async def _handle_events(self) -> None:
        for event in self.connection.events():
            if isinstance(event, Message):
                if not self.refused:
                    await self._take(event)
            elif isinstance(event, Ping):
                await self._send_wsproto_event(event.response())
            elif isinstance(event, CloseConnection):
                await self._send_wsproto_event(CloseConnection(event.code, event.reason))
                await self.app_put(
                    {
                        "type": "websocket.disconnect",
                        "code": int(event.code),
                        "reason": event.reason,
                    }
                )
                await self.send(StreamClosed(stream_id=self.stream_id))

    async def _take(self, piece: Message) -> None:
        """A piece of a frame, which is a piece of a message."""
        size = 0 if isinstance(piece, BytesMessage) else len(piece.data.encode())
        self.frame_bytes += size
        self.message_bytes += size
        too_big = self.frame_bytes > MAX_FRAME_BYTES or self.message_bytes > MAX_MESSAGE_BYTES
        if isinstance(piece, BytesMessage) or too_big:
            self.refused = True
            await self.app_put({"type": "websocket.refuse", "code": 1009 if too_big else 1003})
            return
        self.buffer.extend(piece)
        if piece.frame_finished:
            self.frame_bytes = 0
        if piece.message_finished:
            self.message_bytes = 0
            await self.app_put(self.buffer.to_message())
            self.buffer.clear()
