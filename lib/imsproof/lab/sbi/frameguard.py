"""Refuses HTTP/2 frames by their headers, before their octets are taken: h2 waits for them all, or lets some pass."""

from __future__ import annotations

from typing import TYPE_CHECKING

from h2.errors import ErrorCodes

from imsproof.codec.http2 import HEADER_OCTETS, PREFACE, STREAM_MASK, Flag, Type

if TYPE_CHECKING:
    from collections.abc import Collection

MAX_FRAME_SIZE = 16_384
"""SETTINGS_MAX_FRAME_SIZE as RFC 9113 section 6.5.2 has it by default; the lab announces no other."""
KNOWN = frozenset(Type)
EXTENSIONS = frozenset({0x0A, 0x0C, 0x10})
"""ALTSVC, ORIGIN and PRIORITY_UPDATE, which h2 knows."""


class FrameGuard:
    """Follows the frame boundaries of one connection, from the client's preface on.

    Args:
        tolerates: offences that are let pass (``size``, ``preface``, ``reset``).
        refuses: what is refused although it is allowed (``unknown``, ``padding``).
    """

    def __init__(self, tolerates: Collection[str] = (), refuses: Collection[str] = ()) -> None:
        self._skip = len(PREFACE)
        self._header = b""
        self._tolerates = tolerates
        self._refuses = refuses
        self._frames = 0
        self._highest = 0

    def refuses(self, data: bytes) -> ErrorCodes | None:
        """Take the next octets; return the connection error of the first frame among them that may not be, if any."""
        at = 0
        while at < len(data):
            step = min(self._skip, len(data) - at)
            self._skip -= step
            at += step
            taken = data[at : at + HEADER_OCTETS - len(self._header)]
            self._header += taken
            at += len(taken)
            if len(self._header) == HEADER_OCTETS:
                length = int.from_bytes(self._header[:3], "big")
                stream = int.from_bytes(self._header[5:], "big") & STREAM_MASK
                error = self._error(length, self._header[3], self._header[4], stream)
                if error is not None:
                    return error
                self._skip, self._header = length, b""
        return None

    def _error(self, length: int, kind: int, flags: int, stream: int) -> ErrorCodes | None:
        self._frames += 1
        if length > MAX_FRAME_SIZE and "size" not in self._tolerates:
            return ErrorCodes.FRAME_SIZE_ERROR
        first = self._frames == 1 and "preface" not in self._tolerates
        if first and (kind != Type.SETTINGS or flags & Flag.ACK):
            return ErrorCodes.PROTOCOL_ERROR
        idle = stream > self._highest
        if kind == Type.RST_STREAM and idle and "reset" not in self._tolerates:
            return ErrorCodes.PROTOCOL_ERROR
        if kind == Type.HEADERS:
            self._highest = max(self._highest, stream)
        if "unknown" in self._refuses and kind not in KNOWN | EXTENSIONS:
            return ErrorCodes.PROTOCOL_ERROR
        if "padding" in self._refuses and kind in {Type.DATA, Type.HEADERS} and flags & Flag.PADDED:
            return ErrorCodes.PROTOCOL_ERROR
        return None
