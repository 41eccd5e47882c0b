"""What is set for one handshake reaches its engine, and whose certificate it takes."""

from __future__ import annotations

import pytest

from imsproof.actors.dchandshake import Handshake, announced, make_engine
from imsproof.codec.sdp import Fingerprint
from imsproof.engine.dtls import DtlsEngine
from imsproof.engine.identity import fingerprint, make_identity

OWN, PEER = make_identity(), make_identity(name="peer")


def shaken(client: DtlsEngine, server: DtlsEngine) -> str:
    """The client's state when neither end has anything more to say."""
    client.start()
    moved = True
    while moved:
        moved = False
        for one, other in ((client, server), (server, client)):
            for datagram in one.outgoing():
                other.receive(datagram)
                moved = True
    return client.state


@pytest.mark.parametrize("name", ["sha-256", "sha-512"])
def test_a_certificate_must_have_one_of_the_announced_fingerprints(name: str) -> None:
    check = announced([Fingerprint("SHA-384", "AB"), Fingerprint(name.upper(), fingerprint(PEER.der, name))])
    assert check(PEER.der)
    assert not check(OWN.der)


def test_without_an_announcement_any_certificate_will_do() -> None:
    assert announced([])(OWN.der)


@pytest.mark.parametrize(
    ("how", "state"),
    [
        (Handshake(), "failed"),
        (Handshake(check_fingerprint=False), "connected"),
    ],
)
def test_the_peer_is_held_against_what_it_announced(how: Handshake, state: str) -> None:
    other = [Fingerprint("SHA-256", OWN.sha256)]
    assert shaken(make_engine(how, "client", OWN, other), DtlsEngine("server", PEER)) == state


def test_a_handshake_shows_the_certificate_that_is_set_for_it() -> None:
    shown: list[bytes] = []

    def see(der: bytes) -> bool:
        shown.append(der)
        return True

    client = make_engine(Handshake(identity=PEER), "client", OWN, [Fingerprint("SHA-256", OWN.sha256)])
    assert shaken(client, DtlsEngine("server", OWN, verify_peer=see)) == "connected"
    assert shown[0] == PEER.der
