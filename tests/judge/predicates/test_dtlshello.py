"""Which version a server selected: in the hello or in its extension, an alert, silence, and nonsense."""

from __future__ import annotations

import pytest
from tests.judge.events import Story

from imsproof.codec.dtls import SERVER_HELLO, Handshake, Record, ServerHello
from imsproof.codec.tlshello import ALERT
from imsproof.judge.predicates.dtlshello import version_selected
from imsproof.seams import Kind, Outcome

X = "1:x"


def server_hello(version: int, supported: int | None = None) -> bytes:
    extensions = ((43, supported.to_bytes(2)),) if supported else ()
    body = ServerHello(version, bytes(32), b"", 0x1301, extensions=extensions).to_bytes()
    return Handshake(SERVER_HELLO, body).record().to_bytes()


@pytest.mark.parametrize(
    ("datagram", "outcome", "told"),
    [
        (server_hello(0xFEFD), Outcome.HOLDS, "DTLSv1.2"),
        (server_hello(0xFEFD, 0xFEFC), Outcome.HOLDS, "DTLSv1.3"),
        (server_hello(0xFEFF), Outcome.FAILS, "DTLSv1"),
        (Record(ALERT, b"\x02\x46").to_bytes(), Outcome.FAILS, "protocol_version"),
        (b"\x16\xfe", Outcome.FAILS, "no answer"),
        (Record(22, b"\x02\0\0").to_bytes(), Outcome.FAILS, "no answer"),
    ],
)
def test_the_first_answer_says_it(datagram: bytes, outcome: Outcome, told: str) -> None:
    story = Story().add(Kind.SENT, X, "udp").add(Kind.RECEIVED, X, "udp", datagram)
    found = version_selected(story.events, exchange=X, versions=["DTLSv1.2", "DTLSv1.3"])
    assert found.outcome is outcome
    assert told in found.sentence


def test_without_a_hello_nothing_can_be_said() -> None:
    assert version_selected([], exchange=X, versions=[]).outcome is Outcome.UNKNOWN
