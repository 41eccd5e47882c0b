"""DTLS of data channels: versions, suites, certificates (TS 33.210 clause 6.2; TS 33.328 clause 5.5.6, title)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imsproof.actors.dchandshake import Handshake
from imsproof.actors.dchello import hello, say_hello, say_hello_with_another_cookie
from imsproof.dcsteps import serves, shaken
from imsproof.engine.identity import make_identity
from imsproof.judge import control, expect
from imsproof.purpose import purpose, purposes

if TYPE_CHECKING:
    from imsproof.actors.dccall import DataChannelCall
    from imsproof.bench import Bench

REFUSALS = ["protocol_version", "handshake_failure", "insufficient_security"]
OLD = Handshake(versions=("DTLSv1", "DTLSv1"), ciphers=b"ALL", security_level=0, injected=True)


def alerts(call: DataChannelCall) -> list[str]:
    """The alerts with which a server may refuse; a lab that is the client just offers nothing that is weak."""
    return REFUSALS if call.is_client else []


@purpose("DC-DTLS-01")
def test_dtls_1_2_is_taken_and_dtls_1_0_is_refused(bench: Bench) -> None:
    """DTLS 1.2 is taken, with ECDHE and AEAD; DTLS 1.0 is refused."""
    peer = bench.data_channel_peer()
    call = peer.open("data channel")
    good = call.handshake("DTLS 1.2")
    control(good).negotiated("DTLSv1.2")
    expect(good).holds("strong-suite")
    call.close()
    call = peer.open("data channel for DTLS 1.0")
    expect(call.handshake("DTLS 1.0", OLD)).handshake_refused(alert=alerts(call))
    call.close()
    serves(peer)


@purposes(
    {
        "DC-DTLS-02": (b"eNULL", "suites without encryption"),
        "DC-DTLS-03": (b"ADH:AECDH", "anonymous suites"),
        "DC-DTLS-04": (b"kRSA", "suites with a static RSA key exchange"),
        "DC-DTLS-05": (b"ECDHE+AES128+SHA1:ECDHE+AES256+SHA1:ECDHE+SHA256:ECDHE+SHA384", "suites with CBC and HMAC"),
    }
)
def test_weak_suites_are_refused(bench: Bench, case: tuple[bytes, str]) -> None:
    """A peer that offers nothing but weak suites gets no association."""
    suites, name = case
    peer = bench.data_channel_peer()
    call = peer.open("data channel")
    control(call.handshake("strong suites")).negotiated("DTLSv1.2")
    call.close()
    call = peer.open(f"data channel for {name}")
    weak = Handshake(ciphers=suites, security_level=0, ask_certificate=False, injected=True)
    expect(call.handshake(name, weak)).handshake_refused(alert=alerts(call))
    call.close()
    serves(peer)


@purpose("DC-DTLS-06")
def test_a_peer_without_a_certificate_is_refused(bench: Bench) -> None:
    """The lab asks for a certificate and goes on with nobody who shows none."""
    peer = bench.data_channel_peer()
    call = peer.open("data channel", setup="active")
    control(call.handshake("with the certificate of the offer")).accepted()
    call.close()
    call = peer.open("data channel for a peer without certificate", setup="active")
    attempt = call.handshake("without certificate", Handshake(no_certificate=True, injected=True))
    expect(attempt).holds("no-session")
    call.close()
    serves(peer)


@purpose("DC-DTLS-07")
def test_the_labs_certificate_is_strong(bench: Bench) -> None:
    """The certificate that the lab shows has a strong key and a strong signature."""
    call = bench.data_channel_peer().open("data channel")
    lax = Handshake(check_fingerprint=False, security_level=0, ciphers=b"ECDHE+AESGCM:ECDHE+CHACHA20")
    expect(call.handshake("DTLS with a peer that takes any certificate", lax)).holds("certificate-strength")
    call.close()


@purpose("DC-DTLS-08")
def test_another_certificate_cannot_come_in_by_renegotiation(bench: Bench) -> None:
    """A further handshake in the association cannot bring another certificate than the one of the offer."""
    peer = bench.data_channel_peer()
    call = peer.open("data channel", setup="active")
    association = call.raw("association", Handshake(renegotiation=True))
    control(association).holds("association-up")
    control(association.heartbeat("heartbeat before")).holds("heartbeat-answered")
    attempt = call.renegotiate("renegotiation with another certificate", make_identity())
    expect(attempt).handshake_refused(alert=["no_renegotiation", "bad_certificate", "handshake_failure"])
    call.close()
    serves(peer)


@purpose("DC-DTLS-09")
def test_as_client_too_the_lab_does_nothing_older_than_dtls_1_2(bench: Bench) -> None:
    """A lab that takes the active role refuses a server that has only DTLS 1.0."""
    peer = bench.data_channel_peer()
    call = peer.open("data channel, the lab as client", setup="passive")
    control(call.handshake("DTLS 1.2 server")).negotiated("DTLSv1.2")
    call.close()
    call = peer.open("data channel for a DTLS 1.0 server", setup="passive")
    expect(call.handshake("DTLS 1.0 server", OLD)).handshake_refused()
    call.close()
    serves(peer)


@purpose("DC-DTLS-40")
def test_a_hello_that_offers_13_gets_what_is_claimed(bench: Bench) -> None:
    """A ClientHello with DTLS 1.3 and 1.2 is answered with 1.2 or 1.3, or with 1.3 alone where that is claimed."""
    peer = bench.data_channel_peer()
    call = peer.open("data channel", setup="active")
    offered = say_hello(call, "ClientHello of DTLS 1.3 and 1.2", hello())
    expect(offered).holds("version-selected", versions=bench.dtls_versions())
    call.close()


@purpose("DC-DTLS-30")
def test_a_cookie_that_the_server_did_not_make_is_not_taken(bench: Bench) -> None:
    """Where hellos are answered with a cookie, one that is another in a bit gets no ServerHello."""
    peer = bench.data_channel_peer()
    shaken(peer, setup="active")
    call = peer.open("data channel for a made-up cookie", setup="active")
    expect(say_hello_with_another_cookie(call, "ClientHello")).holds("cookie-checked")
    call.close()
    serves(peer)
