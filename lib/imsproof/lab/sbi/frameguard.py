"""Refuses an HTTP/2 frame by its announced length, before its octets are taken: h2 waits for them all."""

from __future__ import annotations

PREFACE_OCTETS = 24
HEADER_OCTETS = 9
MAX_FRAME_SIZE = 16_384
"""SETTINGS_MAX_FRAME_SIZE as RFC 9113 section 6.5.2 has it by default; the lab announces no other."""


class FrameGuard:
    """Follows the frame boundaries of one connection, from the client's preface on."""

    def __init__(self) -> None:
        self._skip = PREFACE_OCTETS
        self._header = b""

    def fits(self, data: bytes) -> bool:
        """Take the next octets; ``False`` when a frame among them announces more than may be sent."""
        at = 0
        while at < len(data):
            step = min(self._skip, len(data) - at)
            self._skip -= step
            at += step
            taken = data[at : at + HEADER_OCTETS - len(self._header)]
            self._header += taken
            at += len(taken)
            if len(self._header) == HEADER_OCTETS:
                self._skip = int.from_bytes(self._header[:3], "big")
                self._header = b""
                if self._skip > MAX_FRAME_SIZE:
                    return False
        return True
