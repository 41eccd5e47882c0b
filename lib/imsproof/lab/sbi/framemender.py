"""Planted flaws of HTTP/2: mends frames that must be refused, each offence by its name, before h2 sees them.

Only a lab with a planted fault uses it; the conformant lab hands octets to h2 as they are.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from imsproof.codec.http2 import PREFACE, Flag, Frame, FrameReader, Setting, Type, frame, read_settings, settings

if TYPE_CHECKING:
    from collections.abc import Collection

MAX_PAYLOAD = 16_384
HALF = 1 << 30
RANGES = {
    Setting.ENABLE_PUSH: (0, 1),
    Setting.INITIAL_WINDOW_SIZE: (0, 0x7FFF_FFFF),
    Setting.MAX_FRAME_SIZE: (16_384, 0xFF_FFFF),
}
LENGTHS = {Type.RST_STREAM: 4, Type.WINDOW_UPDATE: 4, Type.PING: 8}


class FrameMender:
    """One connection's frames, as a server would take them that tolerates some offences.

    Args:
        tolerates: ``preface``, ``size``, ``data-stream``, ``padding``, ``headers-stream``, ``reuse``, ``reset``,
            ``settings-form``, ``settings-range``, ``ping``, ``push``, ``window``, ``interrupted``, ``astray``,
            ``endless``.
    """

    def __init__(self, tolerates: Collection[str]) -> None:
        self._tolerates = tolerates
        self._reader = FrameReader()
        self._start: bytes | None = b""
        self._streams: dict[int, int] = {}
        self._highest = 0
        self._block = 0

    def mend(self, data: bytes) -> bytes:
        """Take the next octets and return what h2 is to see of them."""
        begun = b""
        if self._start is not None:
            self._start += data
            if len(self._start) < len(PREFACE):
                return b""
            begun, data = self._begin(self._start)
            self._start = None
        return begun + b"".join(self._mended(one) for one in self._reader.feed(data))

    def _begin(self, start: bytes) -> tuple[bytes, bytes]:
        if start.startswith(PREFACE) or "preface" not in self._tolerates:
            return start[: len(PREFACE)], start[len(PREFACE) :]
        rest = start[len(PREFACE) :] if start.startswith(b"PRI") else start
        return PREFACE, rest

    def _mended(self, one: Frame) -> bytes:
        found = self._in_its_place(one)
        if found is not None:
            found = self._of_its_kind(found)
        if found is None:
            return b""
        self._follow(found)
        return self._written(found)

    def _in_its_place(self, one: Frame) -> Frame | None:
        """Header blocks in one piece, or what a careless server makes of it."""
        if self._block and (one.type != Type.CONTINUATION or one.stream != self._block):
            if "interrupted" not in self._tolerates:
                return one
            return replace(one, stream=self._block) if one.type == Type.CONTINUATION else None
        if one.type == Type.CONTINUATION and not self._block and "astray" in self._tolerates:
            return None
        if one.type == Type.CONTINUATION and not one.flags & Flag.END_HEADERS and "endless" in self._tolerates:
            return None
        return one

    def _of_its_kind(self, one: Frame) -> Frame | None:  # noqa: PLR0911 - one return for each kind
        match one.type:
            case Type.DATA:
                return self._padding(self._data(one))
            case Type.HEADERS:
                return self._padding(self._headers(one))
            case Type.SETTINGS:
                return self._settings(one)
            case Type.PING if "ping" in self._tolerates:
                return replace(one, stream=0, payload=one.payload[:8].ljust(8, b"\0"))
            case Type.RST_STREAM if "reset" in self._tolerates:
                return one if len(one.payload) == LENGTHS[Type.RST_STREAM] and one.stream in self._streams else None
            case Type.PUSH_PROMISE if "push" in self._tolerates:
                return None
            case Type.WINDOW_UPDATE if "window" in self._tolerates:
                return one if len(one.payload) == 4 and 0 < int.from_bytes(one.payload, "big") < HALF else None
        return one

    def _data(self, one: Frame) -> Frame:
        known = self._streams.get(one.stream)
        if known is None and "data-stream" in self._tolerates and self._streams:
            known = self._highest
        return replace(one, stream=known) if known is not None else one

    def _headers(self, one: Frame) -> Frame:
        strange = one.stream % 2 == 0 and "headers-stream" in self._tolerates
        used = one.stream not in self._streams and one.stream <= self._highest and "reuse" in self._tolerates
        again = one.stream in self._streams and "reuse" in self._tolerates
        number = one.stream
        if strange or used or again:
            number = self._highest + 2 if self._highest else 1
        self._streams[one.stream] = number
        self._highest = max(self._highest, number)
        return replace(one, stream=number)

    def _padding(self, one: Frame) -> Frame:
        if "padding" not in self._tolerates or not one.flags & Flag.PADDED:
            return one
        if one.payload and one.payload[0] < len(one.payload):
            return one
        return replace(one, flags=one.flags & ~Flag.PADDED, payload=one.payload[1:])

    def _settings(self, one: Frame) -> Frame:
        if "settings-form" in self._tolerates:
            whole = 0 if one.flags & Flag.ACK else len(one.payload) // 6 * 6
            one = replace(one, stream=0, payload=one.payload[:whole])
        if "settings-range" in self._tolerates and not one.flags & Flag.ACK:
            values = [
                (number, min(max(value, RANGES[Setting(number)][0]), RANGES[Setting(number)][1]))
                if number in {int(known) for known in RANGES}
                else (number, value)
                for number, value in read_settings(one.payload).items()
            ]
            one = replace(one, payload=settings(values)[9:])
        return one

    def _follow(self, one: Frame) -> None:
        if one.type in {Type.HEADERS, Type.CONTINUATION}:
            self._block = 0 if one.flags & Flag.END_HEADERS else one.stream

    def _written(self, one: Frame) -> bytes:
        """The frame as octets; what is too long in pieces, where that is tolerated."""
        if len(one.payload) <= MAX_PAYLOAD or "size" not in self._tolerates:
            return frame(one.type, one.flags, one.stream, one.payload)
        if one.type not in {Type.DATA, Type.HEADERS, Type.CONTINUATION}:
            return frame(one.type, one.flags, one.stream, one.payload[: MAX_PAYLOAD // 6 * 6])
        padding = one.payload[0] if one.flags & Flag.PADDED else 0
        content = one.payload[1 : len(one.payload) - padding] if one.flags & Flag.PADDED else one.payload
        pieces = [content[at : at + MAX_PAYLOAD] for at in range(0, len(content), MAX_PAYLOAD)]
        more = Type.DATA if one.type == Type.DATA else Type.CONTINUATION
        ending = Flag.END_STREAM if one.type == Type.DATA else Flag.END_HEADERS
        first = one.flags & ~(ending | Flag.PADDED)
        last = len(pieces) - 1
        return b"".join(
            frame(
                more if number else one.type,
                (0 if number else first) | (one.flags & ending if number == last else 0),
                one.stream,
                piece,
            )
            for number, piece in enumerate(pieces)
        )
