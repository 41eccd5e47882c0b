"""What cases of HTTP/2 are written with: the producer's probe as a request in pieces."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from imsproof.codec import http2
from imsproof.codec.http2 import Flag, Setting, Type

TABLE = 4096
"""Octets of a decoder's table unless it says otherwise."""
Steps = Sequence[bytes | int]
"""Bytes are sent; a number waits until the lab has ended that stream, a negative one waits but needs no end."""


@dataclass(slots=True)
class Script:
    """What a case is written with: the probe's request, in pieces.

    Attributes:
        fields: pseudo-header fields and header fields of the producer's probe, authorised.
        body: the probe's body, possibly empty.
        peer: the settings that the lab announced.
        shrunk: whether a smaller table that the lab announced was acknowledged in a block already.
    """

    fields: tuple[tuple[bytes, bytes], ...]
    body: bytes = b""
    peer: Mapping[int, int] = field(default_factory=dict)
    shrunk: bool = False

    @property
    def max_frame(self) -> int:
        """The largest payload that the lab takes (RFC 9113 section 6.5.2)."""
        return self.peer.get(Setting.MAX_FRAME_SIZE, 16_384)

    @property
    def streams(self) -> int:
        """How many streams the lab takes at a time (RFC 9113 section 6.5.2)."""
        return self.peer.get(Setting.MAX_CONCURRENT_STREAMS, 100)

    @property
    def table(self) -> int:
        """The largest table that the lab decodes with, in octets (RFC 9113 section 6.5.2)."""
        return min(self.peer.get(Setting.HEADER_TABLE_SIZE, TABLE), TABLE)

    def start(self) -> bytes:
        """What the first block of a connection begins with: the size of a table that is smaller (RFC 7541 4.2)."""
        needed, self.shrunk = self.table < TABLE and not self.shrunk, True
        return http2.table_size(self.table) if needed else b""

    def block(
        self,
        *more: tuple[bytes, bytes],
        first: Sequence[tuple[bytes, bytes]] = (),
        change: Mapping[bytes, bytes | None] | None = None,
    ) -> bytes:
        """The probe's header block, with fields added after or before, changed, or (``None``) left out."""
        changes = change or {}
        fields = [(name, changes.get(name, value)) for name, value in self.fields]
        return self.start() + http2.block(
            [*first, *((name, value) for name, value in fields if value is not None), *more]
        )

    def headers(self, stream: int = 1, block: bytes | None = None, *, end: bool = False, flags: int = 0) -> bytes:
        """HEADERS with the probe's block, whole; ``end`` ends the stream; ``flags`` come on top."""
        bits = Flag.END_HEADERS | flags | (Flag.END_STREAM if end else 0)
        return http2.frame(Type.HEADERS, bits, stream, self.block() if block is None else block)

    def data(self, stream: int = 1, body: bytes | None = None, *, end: bool = True) -> bytes:
        """DATA with the probe's body, as many frames as it takes."""
        rest = self.body if body is None else body
        size = min(self.max_frame, 16_384)
        pieces = [rest[at : at + size] for at in range(0, len(rest), size)] or [b""]
        last = len(pieces) - 1
        return b"".join(
            http2.frame(Type.DATA, Flag.END_STREAM if end and number == last else 0, stream, piece)
            for number, piece in enumerate(pieces)
        )

    def request(self, stream: int = 1, block: bytes | None = None) -> bytes:
        """The whole request: HEADERS and, when the probe has a body, DATA."""
        if not self.body:
            return self.headers(stream, block, end=True)
        return self.headers(stream, block) + self.data(stream)
