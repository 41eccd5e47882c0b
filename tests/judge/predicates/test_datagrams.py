"""What a peer of DTLS makes of datagrams that are not its rightful peer's."""

from __future__ import annotations

from tests.judge.events import Story

from imsproof.codec import sctp
from imsproof.codec.dtls import Handshake, Record
from imsproof.judge.predicates import datagrams
from imsproof.seams import Kind, Outcome

H, F, U = Outcome.HOLDS, Outcome.FAILS, Outcome.UNKNOWN
X = "1:x"


def test_only_fatal_alerts_count() -> None:
    warned = Story().add(Kind.ALERT, transport="dtls", alert="close_notify", level="warning")
    assert datagrams.no_alert(warned.events, exchange=X).outcome is H
    fatal = warned.add(Kind.ALERT, transport="dtls", alert="decode_error", level="fatal").events
    assert datagrams.no_alert(fatal, exchange=X).outcome is F
    assert datagrams.no_alert([], exchange=X).outcome is U


def test_amplification_is_bytes_back_for_bytes_sent() -> None:
    counted = Story().add(Kind.COUNTED, transport="udp", sent_bytes=100, bytes=300).events
    assert datagrams.not_amplified(counted, exchange=X, factor=3).outcome is H
    assert datagrams.not_amplified(counted, exchange=X, factor=2.9).outcome is F
    assert datagrams.not_amplified([], exchange=X, factor=3).outcome is U


def test_a_stranger_hears_nothing() -> None:
    sent = Story().add(Kind.SENT, transport="udp")
    assert datagrams.unanswered(sent.events, exchange=X).outcome is H
    assert datagrams.unanswered(sent.add(Kind.RECEIVED, transport="udp", data=b"x").events, exchange=X).outcome is F
    assert datagrams.unanswered([], exchange=X).outcome is U


def test_a_session_that_the_lab_ends_at_once_is_none() -> None:
    done = Story().add(Kind.SENT, transport="dtls").add(Kind.HANDSHAKE, transport="dtls", version="DTLSv1.2")
    assert datagrams.no_session(done.events, exchange=X).outcome is F
    own = Story().add(Kind.HANDSHAKE, transport="dtls").add(Kind.CLOSED, transport="dtls", by="tester").events
    assert datagrams.no_session(own, exchange=X).outcome is F
    ended = done.add(Kind.ALERT, transport="dtls", alert="bad_certificate", level="fatal").events
    assert datagrams.no_session(ended, exchange=X).outcome is H
    refused = Story().add(Kind.SENT, transport="dtls").add(Kind.TIMEOUT, transport="dtls").events
    assert datagrams.no_session(refused, exchange=X).outcome is H
    assert datagrams.no_session([], exchange=X).outcome is U


def test_sctp_in_clear_is_seen_bare_and_in_records_of_epoch_0() -> None:
    packet = sctp.Packet(5000, 5000, 1, (sctp.Chunk(sctp.INIT_ACK, bytes(16)),)).to_bytes()
    for datagram in (packet, Record(23, packet).to_bytes()):
        story = Story().add(Kind.SENT, transport="udp").add(Kind.RECEIVED, transport="udp", data=datagram)
        assert datagrams.no_clear_sctp(story.events, exchange=X).outcome is F
    for datagram in (Record(21, b"\2\50").to_bytes(), Record(23, packet, epoch=1).to_bytes(), b"", b"\1"):
        story = Story().add(Kind.SENT, transport="udp").add(Kind.RECEIVED, transport="udp", data=datagram)
        assert datagrams.no_clear_sctp(story.events, exchange=X).outcome is H
    assert datagrams.no_clear_sctp([], exchange=X).outcome is U


def test_a_stranger_may_get_a_cookie_and_no_server_hello() -> None:
    def outcome(kind: int) -> Outcome:
        story = Story().add(Kind.SENT, transport="udp")
        story.add(Kind.RECEIVED, transport="udp", data=Handshake(kind, b"x").record().to_bytes())
        return datagrams.no_server_hello(story.events, exchange=X).outcome

    assert outcome(3) is H
    assert outcome(2) is F
    assert datagrams.no_server_hello([], exchange=X).outcome is U
    garbage = Story().add(Kind.SENT, transport="udp").add(Kind.RECEIVED, transport="udp", data=b"\x16garbage")
    assert datagrams.no_server_hello(garbage.events, exchange=X).outcome is H
