"""A small TCP endpoint on memory (RFC 9293): segments in, segments and data out; no socket, no clock.

It is for one connection inside an ESP association, where no kernel can have it: a few SIP messages each way, so that
there is no congestion control, no window to run out of, and what comes out of order is left to be sent again.
"""

from __future__ import annotations

import secrets
from collections import deque

from imsproof.codec.tcp import Flag, Segment

LARGEST = 1200
"""Octets of data in one segment."""
MODULUS = 1 << 32
MAX_UNACKNOWLEDGED = 64


class Tcp:
    """One end of one connection.

    Attributes:
        established: whether both sides have acknowledged each other's SYN.
        ended: why nothing more comes (``closed by the peer``, ``reset by the peer``, ``closed here``), or ``""``.
    """

    def __init__(self) -> None:
        """Be closed; :meth:`connect`, or :meth:`take` a SYN."""
        self.established = False
        self.ended = ""
        self._next = secrets.randbelow(MODULUS)
        self._expected: int | None = None
        self._unacknowledged: deque[Segment] = deque()

    def connect(self) -> list[Segment]:
        """Begin as the client; returns what is to be sent, as every method here."""
        return [self._new(Flag.SYN)]

    def take(self, segment: Segment) -> tuple[list[Segment], bytes]:
        """Take a segment that came: what is to be sent, and the data in it."""
        if segment.flags & Flag.RST:
            self.ended = self.ended or "reset by the peer"
            return [], b""
        if segment.flags & Flag.SYN:
            return self._take_syn(segment), b""
        if self._expected is None:
            return [Segment(segment.acknowledged, 0, Flag.RST)], b""
        self._acknowledge(segment)
        if not segment.length:
            return [], b""
        data = b""
        if segment.sequence == self._expected:
            self._expected = (self._expected + segment.length) % MODULUS
            data = segment.data
            if segment.flags & Flag.FIN:
                self.ended = self.ended or "closed by the peer"
        return [self._bare(Flag.ACK)], data

    def write(self, data: bytes) -> list[Segment]:
        """Send data on a connection that stands."""
        pieces = [data[start : start + LARGEST] for start in range(0, len(data), LARGEST)]
        return [self._new(Flag.ACK | Flag.PSH, piece) for piece in pieces]

    def close(self) -> list[Segment]:
        """Send no more."""
        if not self.established or self.ended:
            return []
        self.ended = "closed here"
        return [self._new(Flag.FIN | Flag.ACK)]

    def again(self) -> list[Segment]:
        """What was not acknowledged yet, to be sent once more when a while has passed."""
        return list(self._unacknowledged)

    def _take_syn(self, segment: Segment) -> list[Segment]:
        if self._expected is not None:  # once more: our answer was lost
            return self.again() or [self._bare(Flag.ACK)]
        self._expected = (segment.sequence + 1) % MODULUS
        if segment.flags & Flag.ACK:
            self._acknowledge(segment)
            return [self._bare(Flag.ACK)]
        return [self._new(Flag.SYN | Flag.ACK)]

    def _acknowledge(self, segment: Segment) -> None:
        """Forget what the peer has, and stand once it has our SYN."""
        while self._unacknowledged:
            first = self._unacknowledged[0]
            behind = (segment.acknowledged - first.sequence - first.length) % MODULUS
            if not segment.flags & Flag.ACK or behind >= MODULUS // 2:
                return
            self._unacknowledged.popleft()
            self.established = True

    def _new(self, flags: Flag, data: bytes = b"") -> Segment:
        segment = Segment(self._next, self._expected or 0, flags, data)
        self._next = (self._next + segment.length) % MODULUS
        if len(self._unacknowledged) < MAX_UNACKNOWLEDGED:
            self._unacknowledged.append(segment)
        return segment

    def _bare(self, flags: Flag) -> Segment:
        return Segment(self._next, self._expected or 0, flags)
