"""RTP packets (RFC 3550 section 5.1), the header of RTCP (section 6), and telling them from DTLS (RFC 7983)."""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace
from enum import StrEnum

_FIXED = struct.Struct("!BBHLL")
_EXTENSION = struct.Struct("!HH")


class RtpSyntaxError(ValueError):
    """The bytes are not an RTP packet."""


class Packets(StrEnum):
    """What a datagram on a media port is, by its first bytes (RFC 7983 section 7, RFC 5761 section 4)."""

    STUN = "stun"
    DTLS = "dtls"
    RTP = "rtp"
    RTCP = "rtcp"
    UNKNOWN = "unknown"


def classify(datagram: bytes) -> Packets:
    """Tell what a datagram on a multiplexed media port is."""
    first = datagram[0] if datagram else 255
    if first <= 3:
        return Packets.STUN
    if 20 <= first <= 63:
        return Packets.DTLS
    if 128 <= first <= 191 and len(datagram) > 1:
        return Packets.RTCP if 192 <= datagram[1] <= 223 else Packets.RTP
    return Packets.UNKNOWN


@dataclass(frozen=True, slots=True)
class RtpPacket:
    """One RTP packet; the payload may be encrypted (SRTP leaves the header in clear).

    Attributes:
        payload_type: 0 to 127.
        sequence: 16 bits.
        timestamp: 32 bits, in the payload's clock.
        ssrc: 32 bits.
        payload: all after the header, with padding and authentication tag if there are any.
        marker: the M bit.
        padding: the P bit (the padding itself stays in ``payload``).
        csrcs: contributing sources.
        extension: the profile's 16 bits and the contents (a multiple of 4 bytes), or ``None``.
        version: 2, or wrong on purpose.
    """

    payload_type: int
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes = b""
    marker: bool = False
    padding: bool = False
    csrcs: tuple[int, ...] = ()
    extension: tuple[int, bytes] | None = None
    version: int = 2

    @classmethod
    def parse(cls, data: bytes) -> RtpPacket:
        """Parse a packet; ``to_bytes`` of the result is ``data`` again (``RtpSyntaxError`` when it is cut short)."""
        if len(data) < _FIXED.size:
            raise RtpSyntaxError(f"an RTP header has at least {_FIXED.size} bytes, this has {len(data)}")
        first, second, sequence, timestamp, ssrc = _FIXED.unpack_from(data)
        position = _FIXED.size
        count = first & 0x0F
        if len(data) < position + 4 * count:
            raise RtpSyntaxError(f"{count} CSRCs announced, {len(data) - position} bytes left")
        csrcs = struct.unpack_from(f"!{count}L", data, position)
        position += 4 * count
        extension = None
        if first & 0x10:
            if len(data) < position + _EXTENSION.size:
                raise RtpSyntaxError("the header extension is cut short")
            profile, words = _EXTENSION.unpack_from(data, position)
            position += _EXTENSION.size
            if len(data) < position + 4 * words:
                raise RtpSyntaxError(f"{words} words of header extension announced, {len(data) - position} bytes left")
            extension = (profile, data[position : position + 4 * words])
            position += 4 * words
        return cls(
            payload_type=second & 0x7F,
            sequence=sequence,
            timestamp=timestamp,
            ssrc=ssrc,
            payload=data[position:],
            marker=bool(second & 0x80),
            padding=bool(first & 0x20),
            csrcs=csrcs,
            extension=extension,
            version=first >> 6,
        )

    def to_bytes(self) -> bytes:
        """Return the packet."""
        first = self.version << 6 | self.padding << 5 | (self.extension is not None) << 4 | len(self.csrcs)
        fixed = _FIXED.pack(
            first, self.marker << 7 | self.payload_type, self.sequence, self.timestamp & 0xFFFFFFFF, self.ssrc
        )
        csrcs = struct.pack(f"!{len(self.csrcs)}L", *self.csrcs)
        extension = b""
        if self.extension is not None:
            profile, contents = self.extension
            extension = _EXTENSION.pack(profile, len(contents) // 4) + contents
        return fixed + csrcs + extension + self.payload

    def following(self, payload: bytes, *, ticks: int = 160) -> RtpPacket:
        """Return the next packet of the same source; ``ticks`` is the step of the timestamp (20 ms at 8 kHz)."""
        return replace(
            self,
            sequence=(self.sequence + 1) & 0xFFFF,
            timestamp=(self.timestamp + ticks) & 0xFFFFFFFF,
            payload=payload,
            marker=False,
        )
