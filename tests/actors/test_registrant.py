"""Registering against a scripted network and the reference lab."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.actors.conftest import OPC, K, SipPeer, subscriber
from tests.conftest import events

from imsproof.actors.ue import Ue
from imsproof.codec import aka, sip
from imsproof.codec.milenage import Milenage
from imsproof.seams import Kind

if TYPE_CHECKING:
    from imsproof.link.session import Session
    from imsproof.profile import Profile
    from imsproof.profile.gm import Gm

NETWORK = Milenage(K, opc=OPC)


def challenging(*sqns: int, autn: bytes | None = None) -> object:
    """A registrar that challenges with these sequence numbers in turn, then accepts."""
    left = list(sqns)

    def handle(message: sip.Message) -> list[bytes]:
        if not left:
            return [sip.response(message, 200, to_tag="t", headers=[("Service-Route", "<sip:s;lr>")]).to_bytes()]
        rand = bytes(16)
        vector = aka.make_vector(NETWORK, rand, left.pop(0), b"\x80\x00")
        header = f'Digest realm="r", nonce="{aka.encode_nonce(rand, autn or vector.autn)}", algorithm=AKAv1-MD5'
        return [sip.response(message, 401, to_tag="t", headers=[("WWW-Authenticate", header)]).to_bytes()]

    return handle


def test_the_first_register_names_the_subscriber_and_holds_no_response(session: Session, peer: SipPeer, gm: Gm) -> None:
    Ue(session, gm, subscriber()).challenge()
    _, params = sip.parse_credentials(peer.got[0].get("Authorization") or "")
    assert (params["username"], params["response"], params["nonce"]) == ("a@ims.example", "", "")


def test_a_network_that_accepts_without_a_challenge_is_seen_as_such(session: Session, peer: SipPeer, gm: Gm) -> None:
    registration = Ue(session, gm, subscriber()).register()
    assert (registration.status, registration.challenge, registration.autn) == (200, None, "")


def test_what_a_network_binds_without_a_challenge_is_taken_away_at_the_end(
    session: Session, peer: SipPeer, gm: Gm
) -> None:
    ue = Ue(session, gm, subscriber())
    ue.challenge()
    ue.close()
    assert [one.get("Expires") for one in peer.got][-1] == "0"
    assert len(peer.got) == 2


def test_a_challenge_is_answered_and_autn_is_in_the_journal(session: Session, peer: SipPeer, gm: Gm) -> None:
    peer.handler = challenging(32)  # type: ignore[assignment]
    ue = Ue(session, gm, subscriber())
    registration = ue.register()
    assert (registration.status, registration.autn) == (200, "valid")
    assert ue.route_set()[-1] == "<sip:s;lr>"
    assert [message.get("CSeq") for message in peer.got] == ["1 REGISTER", "2 REGISTER"]
    notes = [event.facts for event in events(session, registration.exchange) if event.kind is Kind.NOTE]
    assert [facts["autn"] for facts in notes] == ["valid"]


def test_a_wrong_autn_is_answered_without_a_response(session: Session, peer: SipPeer, gm: Gm) -> None:
    peer.handler = challenging(32, autn=bytes(16))  # type: ignore[assignment]
    registration = Ue(session, gm, subscriber()).register()
    assert registration.autn == "wrong-mac"
    assert sip.parse_credentials(peer.got[1].get("Authorization") or "")[1]["response"] == ""


def test_a_sequence_number_that_is_old_is_resynchronised_once(session: Session, peer: SipPeer, gm: Gm) -> None:
    peer.handler = challenging(32, 96)  # type: ignore[assignment]
    registration = Ue(session, gm, subscriber(sqn="000000000040")).register()
    assert (registration.status, registration.resynchronised) == (200, True)
    assert "auts" in sip.parse_credentials(peer.got[1].get("Authorization") or "")[1]


def test_a_network_that_challenges_for_ever_is_not_followed(session: Session, peer: SipPeer, gm: Gm) -> None:
    peer.handler = challenging(*range(32, 3200, 32))  # type: ignore[assignment]
    registration = Ue(session, gm, subscriber()).register()
    assert registration.status == 401
    assert len(peer.got) == 3


def test_a_network_that_has_forgotten_its_challenge_is_answered_once_more(
    session: Session, peer: SipPeer, gm: Gm
) -> None:
    peer.handler = challenging(32, 64)  # type: ignore[assignment]
    registration = Ue(session, gm, subscriber()).register()
    assert (registration.status, registration.autn) == (200, "valid")
    assert [message.get("CSeq") for message in peer.got][-1] == "3 REGISTER"


def test_who_answers_wrongly_on_purpose_does_not_try_again(session: Session, peer: SipPeer, gm: Gm) -> None:
    peer.handler = challenging(32, 64)  # type: ignore[assignment]
    registration = Ue(session, gm, subscriber()).register(res=lambda _res: bytes(8))
    assert registration.status == 401
    assert len(peer.got) == 2


def test_a_challenge_can_be_answered_later_and_again(session: Session, peer: SipPeer, gm: Gm) -> None:
    peer.handler = challenging(32)  # type: ignore[assignment]
    ue = Ue(session, gm, subscriber())
    first = ue.challenge()
    assert first.challenge is not None
    again = ue.respond(first.challenge, label="REGISTER again")
    assert (first.status, again.status) == (401, 200)
    assert again.exchange.endswith("REGISTER again")


def test_what_an_attack_left_bound_is_taken_away_at_the_end(session: Session, peer: SipPeer, gm: Gm) -> None:
    left = ["sip:attacker@127.0.0.1:9"]

    def registrar(message: sip.Message) -> list[bytes]:
        contact = message.get("Contact") or ""
        if contact == f"<{left[0]}>;expires=0" if left else False:
            left.clear()
        listed = [("Contact", ", ".join(f"<{uri}>;expires=60" for uri in left))] if left else []
        return [sip.response(message, 200, to_tag="t", headers=listed).to_bytes()]

    peer.handler = registrar
    ue = Ue(session, gm, subscriber())
    assert ue.register().ok
    ue.close()
    assert left == []
    assert [message.get("Expires") for message in peer.got] == ["3600", "0", "0"]


@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
def test_the_reference_lab_registers_a_subscriber(lab: Session, reference: Profile, transport: str) -> None:
    assert reference.gm
    ue = Ue(lab, reference.gm, reference.gm.subscribers[0], transport=transport)
    registration = ue.register()
    assert (registration.status, registration.autn) == (200, "valid")
    assert registration.associated[0] == reference.gm.subscribers[0].impu
    assert ue.deregister().ok


def test_the_reference_lab_registers_digest_users(lab: Session, reference: Profile) -> None:
    assert reference.gm
    users = [one for one in reference.gm.subscribers if one.auth == "digest"]
    assert users
    for user in users:
        ue = Ue(lab, reference.gm, user)
        assert ue.register().status == 200
        ue.close()


def test_the_reference_lab_refuses_a_wrong_res(lab: Session, reference: Profile) -> None:
    assert reference.gm
    registration = Ue(lab, reference.gm, reference.gm.subscribers[0]).register(res=lambda res: bytes(len(res)))
    assert registration.status == 403


def test_a_proxy_that_asks_is_answered_in_its_own_header(session: Session, peer: SipPeer, gm: Gm) -> None:
    def proxy(message: sip.Message) -> list[bytes]:
        if message.get("Proxy-Authorization"):
            return [sip.response(message, 200, to_tag="t").to_bytes()]
        header = 'Digest realm="r", nonce="n", algorithm=MD5, qop="auth"'
        return [sip.response(message, 407, to_tag="t", headers=[("Proxy-Authenticate", header)]).to_bytes()]

    peer.handler = proxy
    assert Ue(session, gm, subscriber(password="x")).register().ok
    assert peer.got[1].get("Authorization") is None


def test_a_network_that_wants_longer_registrations_gets_them(session: Session, peer: SipPeer, gm: Gm) -> None:
    def handle(message: sip.Message) -> list[bytes]:
        brief = 0 < int(message.get("Expires") or "0") < 7200
        headers = [("Min-Expires", "7200")] if brief else []
        return [sip.response(message, 423 if brief else 200, to_tag="t", headers=headers).to_bytes()]

    peer.handler = handle
    ue = Ue(session, gm, subscriber())
    assert ue.register().ok
    ue.deregister()
    assert [one.get("Expires") for one in peer.got] == ["3600", "7200", "0"]


def test_a_network_that_is_never_content_is_asked_twice(session: Session, peer: SipPeer, gm: Gm) -> None:
    peer.handler = lambda message: [
        sip.response(message, 423, to_tag="t", headers=[("Min-Expires", "7200")]).to_bytes()
    ]
    assert Ue(session, gm, subscriber()).register().status == 423
    assert len(peer.got) == 2
