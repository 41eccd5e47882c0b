"""The UE with a security agreement, against the reference lab."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest
from tests.actors.conftest import SipPeer, subscriber
from tests.actors.test_credentials import challenge

from imsproof.actors.secureue import SecureUe
from imsproof.codec import sip
from imsproof.seams import InconclusiveError, Kind

if TYPE_CHECKING:
    from imsproof.link.session import Session
    from imsproof.profile import Profile
    from imsproof.profile.gm import Gm


@pytest.fixture
def raw() -> None:
    """The right to raw sockets."""
    try:
        socket.socket(socket.AF_INET, socket.SOCK_RAW, 50).close()
    except PermissionError:
        pytest.skip("no right to raw sockets")


def secure(session: Session, profile: Profile, number: int = 0) -> SecureUe:
    gm = profile.gm
    assert gm is not None
    return SecureUe(session, gm, gm.subscribers[number])


@pytest.mark.usefixtures("raw")
def test_it_registers_and_speaks_through_esp(lab: Session, reference: Profile) -> None:
    ue = secure(lab, reference)
    done = ue.register()
    assert (done.status, done.autn) == (200, "valid")
    assert ue.probe("protected").ok
    spoken = [event for event in lab.record.events if event.facts.get("sip")]
    assert [event.transport for event in spoken[:2]] == ["udp", "udp"]
    assert {event.transport for event in spoken[2:]} == {"esp"}
    assert lab.extra_files["esp_sa"].count(b"IPv4") == 4
    assert ue.deregister().ok
    ue.close()


@pytest.mark.usefixtures("raw")
def test_with_its_sqn_ahead_it_resynchronises_and_registers(lab: Session, reference: Profile) -> None:
    ue = secure(lab, reference, 5)
    ue.credentials.usim.sqn = 1 << 40
    done = ue.register()
    assert (done.status, done.resynchronised) == (200, True)
    assert ue.probe("protected").ok
    ue.close()


def test_behind_a_nat_it_needs_no_raw_socket(lab: Session, reference: Profile) -> None:
    ue = secure(lab, reference, 4)
    ue.nat_port = 4500
    assert ue.register().ok
    assert ue.esp.agreed.nat_port == 4500
    assert ue.probe("protected").ok
    assert not [packet for packet in lab.packets if packet.protocol == "esp"]
    ue.close()


@pytest.mark.usefixtures("raw")
def test_a_registration_over_the_association_keeps_it(lab: Session, reference: Profile) -> None:
    ue = secure(lab, reference, 1)
    ue.register()
    before = ue.esp
    assert ue.register().ok
    assert ue.esp is before
    ue.close()


@pytest.mark.usefixtures("raw")
def test_who_begins_anew_comes_from_another_port_and_keeps_its_contact(lab: Session, reference: Profile) -> None:
    ue = secure(lab, reference, 1)
    first = ue.propose()
    assert ue.confirm(first).ok
    ue.begin_anew()
    second = ue.propose()
    assert ue.confirm(second).ok
    assert ue.probe("protected").ok
    plain = {event.local for event in lab.record.events if event.transport == "udp" and event.kind is Kind.SENT}
    assert len(plain) == 2
    assert first.own.port_s == second.own.port_s
    assert first.own.port_c != second.own.port_c
    ue.close()


@pytest.mark.usefixtures("raw")
def test_new_associations_of_a_registered_ue_keep_its_protected_server_port(lab: Session, reference: Profile) -> None:
    ue = secure(lab, reference, 2)
    assert ue.register().ok
    before = ue.esp.agreed.own
    asked = ue.propose()
    assert asked.own.port_s == before.port_s
    assert {asked.own.port_c, asked.own.spi_c, asked.own.spi_s}.isdisjoint({before.port_c, before.spi_c, before.spi_s})
    assert f":{before.port_s}" in ue.contact_uri
    ue.close()


@pytest.mark.usefixtures("raw")
def test_after_a_refusal_it_can_begin_anew(lab: Session, reference: Profile) -> None:
    ue = secure(lab, reference, 2)
    proposal = ue.propose()
    assert ue.confirm(proposal, verify=lambda _: []).status == 494
    assert ue.register().ok
    ue.close()


@pytest.mark.usefixtures("raw")
def test_a_replay_is_dropped_by_the_lab(lab: Session, reference: Profile) -> None:
    ue = secure(lab, reference, 3)
    ue.register()
    ue.probe("protected")
    assert "no final answer" in ue.replay("again").failed
    ue.close()


def test_each_proposal_comes_from_a_port_of_its_own(session: Session, peer: SipPeer, gm: Gm) -> None:
    """From the same port a network may take the second list for the first one (docs/findings.md F24)."""
    ue = SecureUe(session, gm, subscriber(password="p"))
    contacts = {ue.propose().exchange: peer.got[-1].get("Contact") for _ in range(3)}
    assert len(set(contacts.values())) == 3
    ue.close()


def test_without_an_agreement_nothing_is_confirmed(session: Session, peer: SipPeer, gm: Gm) -> None:
    peer.handler = lambda message: [
        sip.response(message, 401, headers=[("WWW-Authenticate", 'Digest realm="r", nonce="eA=="')]).to_bytes()
    ]
    ue = SecureUe(session, gm, subscriber(password="p"))
    proposal = ue.propose()
    assert proposal.chosen() is None
    with pytest.raises(InconclusiveError, match="agreed on nothing"):
        ue.confirm(proposal)
    with pytest.raises(InconclusiveError, match="no ESP association"):
        ue.probe("x")


def test_without_a_challenge_nothing_is_confirmed(session: Session, peer: SipPeer, gm: Gm) -> None:
    peer.handler = lambda message: [sip.response(message, 494).to_bytes()]
    ue = SecureUe(session, gm, subscriber())
    with pytest.raises(InconclusiveError, match="no challenge"):
        ue.confirm(ue.propose())


def test_the_first_via_names_the_port_that_the_profile_says_and_rport(session: Session, peer: SipPeer, gm: Gm) -> None:
    ue = SecureUe(session, gm.model_copy(update={"via_port": 5060}), subscriber())
    ue.propose()
    via = peer.got[0].get("Via") or ""
    assert ue.transport.local[1] != 5060
    assert f"{ue.transport.local[0]}:5060;" in via
    assert via.endswith(";rport")
    assert f":{ue.transport.local[1]}" in ue.contact_uri
    ue.close()


@pytest.mark.parametrize(
    ("wrong", "told"),
    [("port-s=0", "port-s=0 is no port"), ("port-c=65536", "is no port"), ("spi-c=4294967296", "is no SPI")],
)
def test_a_number_of_the_network_that_is_none_is_told(
    session: Session, peer: SipPeer, gm: Gm, wrong: str, told: str
) -> None:
    numbers = {"spi-c": "1000", "spi-s": "1001", "port-c": "5100", "port-s": "5200"}
    numbers |= dict([wrong.split("=")])
    entry = "ipsec-3gpp;alg=hmac-sha-1-96;ealg=null;" + ";".join("=".join(one) for one in numbers.items())
    headers = [("WWW-Authenticate", challenge(32)), ("Security-Server", entry)]
    peer.handler = lambda message: [sip.response(message, 401, headers=headers).to_bytes()]
    ue = SecureUe(session, gm, subscriber())
    with pytest.raises(InconclusiveError, match=told):
        ue.confirm(ue.propose())
    ue.close()
