"""Compression of messages (permessage-deflate) within the limits of frames and messages.

A compressed frame is measured as it was sent, and a message as it is unpacked. Nothing is unpacked
beyond the largest message, however little of it was sent.
"""

import zlib

from limits import MAX_FRAME_BYTES, MAX_MESSAGE_BYTES
from wsproto.extensions import PerMessageDeflate
from wsproto.frame_protocol import CloseReason, FrameDecoder, FrameProtocol, Opcode, RsvBits


class MeasuredDeflate(PerMessageDeflate):
    """wsproto's extension, which by itself unpacks whatever it is sent."""

    _unpacked_bytes = 0

    def frame_inbound_header(
        self, proto: FrameDecoder | FrameProtocol, opcode: Opcode, rsv: RsvBits, payload_length: int
    ) -> CloseReason | RsvBits:
        """Refuse a frame that is too large before any of it is unpacked."""
        if payload_length > MAX_FRAME_BYTES:
            return CloseReason.MESSAGE_TOO_BIG
        return super().frame_inbound_header(proto, opcode, rsv, payload_length)

    def frame_inbound_payload_data(
        self, proto: FrameDecoder | FrameProtocol, data: bytes
    ) -> bytes | CloseReason:
        """Unpack a part of a frame, up to the largest message."""
        if not self._inbound_compressed or not self._inbound_is_compressible:
            return data
        allowed_bytes = MAX_MESSAGE_BYTES - self._unpacked_bytes
        try:
            # One byte more shows that there is more, and 0 would mean no limit.
            unpacked = self._decompressor.decompress(data, allowed_bytes + 1)
        except zlib.error:
            return CloseReason.INVALID_FRAME_PAYLOAD_DATA
        if len(unpacked) > allowed_bytes:
            return CloseReason.MESSAGE_TOO_BIG
        self._unpacked_bytes += len(unpacked)
        return unpacked

    def frame_inbound_complete(
        self, proto: FrameDecoder | FrameProtocol, fin: bool
    ) -> bytes | CloseReason | None:
        """Begin to measure anew after the last frame of a message."""
        if fin and self._inbound_is_compressible:
            self._unpacked_bytes = 0
        return super().frame_inbound_complete(proto, fin)
