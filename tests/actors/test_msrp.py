"""The MSRP peer against the reference lab's far UE, and against what no right endpoint does."""

from __future__ import annotations

import random
from functools import partial
from typing import TYPE_CHECKING

import pytest

from imsproof.actors.call import CallSignalling
from imsproof.actors.msrp import MsrpCall, MsrpConnection, MsrpPeer, key_pem
from imsproof.actors.signalling import Answered
from imsproof.actors.ue import Ue
from imsproof.codec.msrp import MsrpUri, request, response
from imsproof.codec.sdp import Sdp
from imsproof.engine.identity import make_identity
from imsproof.profile.msrp import Msrp
from imsproof.seams import InconclusiveError, Kind

if TYPE_CHECKING:
    import socket

    from tests.conftest import Serve

    from imsproof.link.session import Session
    from imsproof.profile import Profile

OTHER = make_identity(name="other")


@pytest.fixture
def peer(lab: Session, reference: Profile) -> MsrpPeer:
    assert reference.gm is not None
    assert reference.far is not None
    caller = Ue(lab, reference.gm, reference.gm.subscribers[1])
    assert caller.register().ok
    return MsrpPeer(lab, partial(CallSignalling, caller, reference.far.uri), random.Random(1), Msrp())


def test_a_message_is_taken_in_a_session(peer: MsrpPeer) -> None:
    call = peer.offer("INVITE")
    assert call.given
    assert call.protected
    assert call.max_size
    assert call.accepts("text/plain")
    assert not call.accepts("image/png")
    connection = call.connect("connection")
    assert connection.connected
    assert connection.facts["version"] == "TLSv1.3"
    assert connection.send("SEND").status == 200
    assert connection.send("REPORT me", Success_Report="yes").status == 200
    assert connection.wait_end("nothing ends yet").failed
    assert connection.send("SEND").status == 200
    call.end()
    connection.wait_end("the end")
    assert connection.send("SEND after the end").status == 0
    connection.close()


def test_what_is_refused_has_no_status(peer: MsrpPeer) -> None:
    call = peer.offer("INVITE")
    wrong = call.connect("another certificate", identity=OTHER).send("SEND")
    assert wrong.status == 0
    assert wrong.failed
    old = call.connect("TLS 1.1", minimum="TLSv1", maximum="TLSv1.1")
    assert not old.connected
    assert old.send("SEND over nothing").failed == old.failed
    assert old.say("bytes over nothing", b"x").failed == old.failed


def test_an_offer_without_session_in_the_answer_says_so(peer: MsrpPeer) -> None:
    call = peer.offer("INVITE without fingerprint", fingerprints=())
    assert not call.given
    with pytest.raises(InconclusiveError, match="no message session"):
        call.connect("nowhere")


class Given:
    """Signalling that hands out one answer."""

    not_told = ""

    def __init__(self, session: Session, sdp: bytes) -> None:
        self.local_address = "127.0.0.1"
        self._session, self._sdp = session, sdp

    def offer(self, offer: Sdp, label: str, *, method: str = "") -> Answered:
        del offer, method
        exchange = self._session.exchange(label)
        return Answered(record=self._session.record, exchange=exchange, sdp=Sdp.parse(self._sdp))

    def end(self) -> None:
        """Nothing to end."""


def given(session: Session, path: str, *more: str, port: int = 1) -> MsrpCall:
    lines = ["v=0", "c=IN IP4 127.0.0.9", f"m=message {port} TCP/MSRP *", f"a=path:{path}", *more]
    sdp = "".join(f"{line}\r\n" for line in lines).encode()
    return MsrpPeer(session, lambda: Given(session, sdp), random.Random(1), Msrp(tls=False)).offer("offer")


def test_where_to_connect_to(session: Session) -> None:
    assert given(session, "msrp://127.0.0.1:7/a;tcp").where == ("127.0.0.1", 7)
    assert given(session, "msrp://127.0.0.1:7/a;tcp", "a=msrp-cema", port=8).where == ("127.0.0.9", 8)
    assert given(session, "msrp://host.example:7/a;tcp", port=8).where == ("127.0.0.9", 8)
    assert not given(session, "nothing").given


def connected(session: Session, serve: Serve, *answers: bytes) -> MsrpConnection:
    """A connection to somebody who answers the first request with these bytes and reads on."""

    def handler(connection: socket.socket) -> None:
        connection.recv(65536)
        for answer in answers:
            connection.sendall(answer)
        while connection.recv(65536):
            pass

    host, port = serve(handler)
    return given(session, str(MsrpUri("msrp", host, port, "abc"))).connect("connection")


def test_the_first_of_several_responses_counts(session: Session, serve: Serve) -> None:
    probe = given(session, "msrp://127.0.0.1:7/abc;tcp")
    message = request("SEND", "tx123456", "msrp://127.0.0.1:7/abc;tcp", str(probe.own), body=b"text")
    both = response(message, 481).to_bytes() + response(message, 200, "OK").to_bytes()
    answer = connected(session, serve, both).ask("SEND", message)
    assert answer.status == 481
    facts = [event.facts for event in session.record.events if event.facts.get("msrp") == "response"]
    assert [(one.get("status"), one.get("other_status")) for one in facts] == [(481, None), (None, 200)]


def test_requests_of_the_lab_are_answered_and_the_connections_end_is_told(session: Session, serve: Serve) -> None:
    theirs = request("SEND", "theirs12", "msrp://127.0.0.1:9/x;tcp", "msrp://127.0.0.1:7/abc;tcp", body=b"hello")

    def handler(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(theirs.to_bytes())
        assert b"theirs12 200" in connection.recv(65536)

    host, port = serve(handler)
    connection = given(session, str(MsrpUri("msrp", host, port, "abc"))).connect("connection")
    answer = connection.send("SEND")
    assert answer.status == 0
    assert answer.failed
    closed = [event for event in session.record.events if event.kind is Kind.CLOSED]
    assert {event.exchange for event in closed} >= {answer.exchange}


def test_what_is_no_msrp_is_told(session: Session, serve: Serve) -> None:
    answer = connected(session, serve, b"HTTP/1.1 200 OK\r\n\r\n").send("SEND")
    assert "not MSRP" in answer.failed


def test_a_key_is_written_as_pem() -> None:
    assert key_pem(OTHER).startswith(b"-----BEGIN PRIVATE KEY")
