"""A UE's TCP connection inside its ESP associations: what comes is framed, what goes is sealed (TS 33.203 7.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imsproof.codec.sip import SipSyntaxError, StreamFramer
from imsproof.engine.tcp import Tcp
from imsproof.lab.sip.transport import Flow

if TYPE_CHECKING:
    from collections.abc import Callable

    from imsproof.codec.tcp import Segment
    from imsproof.lab.sip.transport import Receive


class EspStream:
    """The network's end of one connection."""

    def __init__(self, flow: Flow, seal: Callable[[Segment], None], receive: Receive) -> None:
        """Wait for a SYN.

        Args:
            flow: how the associations are known; answers to what comes by this connection go by it too.
            seal: sends a segment to the UE.
            receive: takes each whole message.
        """
        self._tcp = Tcp()
        self._framer = StreamFramer()
        self._flow = Flow(flow.transport, flow.peer, flow.number, self._send)
        self._seal = seal
        self._receive = receive

    def take(self, segment: Segment) -> None:
        """Take a segment; what cannot be framed ends the connection."""
        answers, data = self._tcp.take(segment)
        messages: list[bytes] = []
        try:
            messages = self._framer.feed(data)
        except SipSyntaxError:
            answers += self._tcp.close()
        for answer in answers:
            self._seal(answer)
        for message in messages:
            self._receive(message, self._flow)

    def _send(self, data: bytes) -> None:
        for segment in self._tcp.write(data):
            self._seal(segment)
