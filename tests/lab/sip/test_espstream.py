"""A UE's TCP connection inside ESP, the network's end."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from imsproof.engine.tcp import Tcp
from imsproof.lab.sip.espstream import EspStream
from imsproof.lab.sip.transport import Flow

if TYPE_CHECKING:
    from imsproof.codec.tcp import Segment

MESSAGE = b"OPTIONS sip:a SIP/2.0\r\nContent-Length: 0\r\n\r\n"


def exchange(ue: Tcp, stream: EspStream, sent: list[Segment], first: list[Segment]) -> bytes:
    """Carry segments until nobody has more to say; what came to the UE."""
    came, waiting = b"", deque(first)
    while waiting or sent:
        while waiting:
            stream.take(waiting.popleft())
        while sent:
            answers, data = ue.take(sent.pop(0))
            waiting.extend(answers)
            came += data
    return came


def test_messages_are_framed_and_answers_go_by_the_connection() -> None:
    got: list[tuple[bytes, Flow]] = []
    sent: list[Segment] = []
    stream = EspStream(Flow("esp", ("127.0.0.1", 1), 7), sent.append, lambda *what: got.append(what))
    ue = Tcp()
    exchange(ue, stream, sent, ue.connect())
    exchange(ue, stream, sent, ue.write(MESSAGE + MESSAGE[:10]))
    assert [data for data, _ in got] == [MESSAGE]
    got[0][1].send(b"answer")
    assert got[0][1].number == 7
    assert exchange(ue, stream, sent, []) == b"answer"


def test_what_cannot_be_framed_ends_the_connection() -> None:
    sent: list[Segment] = []
    stream = EspStream(Flow("esp", ("127.0.0.1", 1), 7), sent.append, lambda *_: None)
    ue = Tcp()
    exchange(ue, stream, sent, ue.connect())
    exchange(ue, stream, sent, ue.write(b"OPTIONS sip:a SIP/2.0\r\nContent-Length: x\r\n\r\n"))
    assert ue.ended == "closed by the peer"
