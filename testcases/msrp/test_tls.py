"""TLS of message sessions, and certificates by fingerprint (RFC 4975 clause 14.4, RFC 8122; TS 33.328 4.1.2.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imsproof.actors.msrpdoors import open_door
from imsproof.codec.sdp import Fingerprint
from imsproof.engine.identity import make_identity
from imsproof.judge import control, expect
from imsproof.link.subject import Exchange
from imsproof.msrpsteps import joined, serves
from imsproof.purpose import purpose, purposes
from imsproof.seams import InconclusiveError

if TYPE_CHECKING:
    from imsproof.actors.msrp import MsrpPeer
    from imsproof.bench import Bench
    from imsproof.engine.identity import Identity

OTHER = make_identity(name="other")
ALICE, BOB = make_identity(name="alice"), make_identity(name="bob")
NOT_ENCRYPTED = "eNULL:aNULL"


@purpose("MSRP-TLS-01")
def test_plain_tcp_is_not_served(bench: Bench) -> None:
    """Where TLS was agreed, a request over bare TCP is not served."""
    peer = bench.messages()
    witness = joined(peer)
    plain = peer.offer("INVITE, session for bare TCP").connect("bare TCP to the TLS port", plain=True)
    expect(plain.send("SEND without TLS", injected=True)).refused()
    serves(witness)


@purpose("MSRP-TLS-02")
def test_old_versions_are_refused(bench: Bench) -> None:
    """TLS 1.1 and older are refused; what the control agreed on is newer."""
    peer = bench.messages()
    witness = joined(peer)
    call = peer.offer("INVITE, session for old TLS")
    old = call.connect("TLS 1.0 and 1.1 alone", minimum="TLSv1", maximum="TLSv1.1")
    expect(old).handshake_refused("TLSv1", "TLSv1.1", alert=("protocol_version",))
    serves(witness)


@purpose("MSRP-TLS-03")
def test_suites_without_encryption_or_authentication_are_refused(bench: Bench) -> None:
    """A handshake that offers NULL and anonymous suites alone is refused."""
    peer = bench.messages()
    witness = joined(peer)
    call = peer.offer("INVITE, session for weak suites")
    weak = call.connect("NULL and anonymous suites alone", maximum="TLSv1.2", ciphers=NOT_ENCRYPTED)
    expect(weak).handshake_refused(alert=("handshake_failure", "insufficient_security"))
    serves(witness)


@purpose("MSRP-TLS-04")
def test_the_answer_keeps_tls(bench: Bench) -> None:
    """An offer of TCP/TLS/MSRP is answered with TCP/TLS/MSRP, an msrps path and a fingerprint."""
    call = bench.messages().offer("INVITE with TCP/TLS/MSRP")
    expect(call).holds("message-session-protected")
    call.end()


@purpose("MSRP-FP-01")
def test_a_certificate_that_was_not_announced_is_refused(bench: Bench) -> None:
    """Who shows another certificate than the offer's is not served, were its fingerprint nearly the announced one."""
    peer = bench.messages()
    witness = joined(peer)
    wrong = peer.offer("INVITE, session for another certificate").connect("another certificate", identity=OTHER)
    expect(wrong.send("SEND with another certificate", injected=True)).refused()
    own = peer.identity.sha256
    nearly = Fingerprint("SHA-256", own[:-2] + ("00" if own[-2:] != "00" else "01"))
    call = peer.offer("INVITE with a fingerprint whose last octet is another", fingerprints=[nearly])
    if call.given:
        what = "a certificate whose fingerprint differs in its last octet"
        expect(call.connect(what).send(f"SEND with {what}", injected=True)).refused()
    serves(witness)


@purpose("MSRP-FP-02")
def test_no_certificate_is_refused(bench: Bench) -> None:
    """Who shows no certificate is not served."""
    peer = bench.messages()
    witness = joined(peer)
    bare = peer.offer("INVITE, session without certificate").connect("no certificate", bare=True)
    expect(bare.send("SEND without a certificate", injected=True)).refused()
    serves(witness)


@purposes(
    {
        "MSRP-FP-03": ("an MD5 fingerprint alone", ("MD5",)),
        "MSRP-FP-04": ("no fingerprint", ()),
    }
)
def test_what_cannot_be_checked_gets_no_session(bench: Bench, case: tuple[str, tuple[str, ...]]) -> None:
    """Without a fingerprint that can be trusted there is no session, or none that is served."""
    what, hashes = case
    peer = bench.messages()
    witness = joined(peer)
    call = peer.offer(f"INVITE with {what}", fingerprints=[peer.fingerprint(name) for name in hashes])
    if call.given:
        expect(call.connect(f"connection with {what}").send(f"SEND with {what}", injected=True)).refused()
    else:
        expect(call).holds("no-message-session")
    serves(witness)


@purpose("MSRP-FP-05")
def test_the_lab_shows_what_it_announced(bench: Bench) -> None:
    """The lab's certificate is the one whose fingerprint stands in its answer."""
    connection = joined(bench.messages())
    expect(connection.call).holds("message-certificate-announced", handshake=connection.exchange)
    serves(connection)


@purpose("MSRP-FP-06")
def test_as_a_client_the_lab_checks_too(bench: Bench) -> None:
    """Where the lab connects, it speaks to the certificate that was announced, and to no other."""
    peer = bench.messages()
    control(_led(bench, peer, "right certificate", ALICE, ALICE)).holds("spoke-to-tester")
    expect(_led(bench, peer, "another certificate", ALICE, BOB)).holds("kept-silent")
    serves(joined(peer, "session afterwards"))


def _led(bench: Bench, peer: MsrpPeer, label: str, announced: Identity, shown: Identity) -> Exchange:
    """Offer to be connected to, and wait for who comes."""
    door = open_door(peer, f"the lab connects: {label}", shown)
    call = peer.offer(
        f"INVITE with setup:passive, {label}",
        fingerprints=[Fingerprint("SHA-256", announced.sha256)],
        setup="passive",
        port=door.address[1],
    )
    if not call.given:
        raise InconclusiveError(
            f"the lab took no offer with setup:passive ({call.answered.failed or 'refused in the answer'}): say"
            " msrp.connects: false where it never connects"
        )
    bench.session.run(door.wait(bench.profile.timers.handshake))
    call.end()
    return Exchange(record=bench.record, exchange=door.exchange)


@purpose("MSRP-FP-07")
def test_the_certificate_of_another_session_is_refused(bench: Bench) -> None:
    """A certificate that was announced for one session opens no other."""
    peer = bench.messages()
    witness = joined(peer)
    other = peer.another()
    call = other.offer("INVITE, session of another user")
    wrong = call.connect("the first user's certificate", identity=peer.identity)
    expect(wrong.send("SEND into another user's session", injected=True)).refused()
    serves(witness)
