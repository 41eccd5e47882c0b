"""Which version a server selected: in the hello or in its extension, an alert, silence, and nonsense."""

from __future__ import annotations

import pytest
from tests.judge.events import Story

from imsproof.codec.dtls import CLIENT_HELLO, SERVER_HELLO, ClientHello, Handshake, Record, ServerHello
from imsproof.codec.tlshello import ALERT
from imsproof.judge.predicates.dtlshello import cookie_checked, version_selected
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


@pytest.mark.parametrize(
    ("cookie", "came", "outcome"),
    [
        (b"", [server_hello(0xFEFD)], Outcome.HOLDS),
        (b"", [], Outcome.UNKNOWN),
        (b"made up", [], Outcome.HOLDS),
        (b"made up", [Record(ALERT, b"\x02\x28").to_bytes()], Outcome.HOLDS),
        (b"made up", [server_hello(0xFEFD)], Outcome.FAILS),
    ],
)
def test_a_made_up_cookie_gets_no_server_hello(cookie: bytes, came: list[bytes], outcome: Outcome) -> None:
    hello = ClientHello(0xFEFD, bytes(32), (0xC02B,), cookie=cookie)
    story = Story().add(Kind.SENT, X, "udp", Handshake(CLIENT_HELLO, hello.to_bytes()).record().to_bytes())
    for datagram in came:
        story.add(Kind.RECEIVED, X, "udp", datagram)
    assert cookie_checked(story.events, exchange=X).outcome is outcome
    assert cookie_checked([], exchange=X).outcome is Outcome.UNKNOWN
