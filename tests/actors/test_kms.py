"""A user of the KMS against the reference lab's, and against answers that no KMS should give."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from imsproof.actors.kms import KmsClient
from imsproof.codec import mikey
from imsproof.profile.kinds import Url
from imsproof.profile.kms import Kms, KmsUser

if TYPE_CHECKING:
    import socket

    from tests.conftest import Serve

    from imsproof.link.session import Session
    from imsproof.profile import Profile

USER = KmsUser(identity="sip:a@ims.example", psk_id="a-key", psk=bytes(16))


def test_a_ticket_is_had_and_resolved(lab: Session, reference: Profile) -> None:
    assert reference.kms is not None
    alice, bob = (KmsClient(lab, reference.kms, user, random.Random(1)) for user in reference.kms.users[:2])
    granted = alice.request("request", bob.user.identity)
    resolved = bob.resolve("resolve", granted.ticket)
    assert granted.keys == resolved.keys
    assert len(granted.keys) == 2
    again = alice.tell("the same once more", granted.sent, injected=True)
    assert not again.keys
    told = [event.facts for event in lab.record.events if "mikey" in event.facts]
    assert [one["mikey"] for one in told] == ["REQUEST_RESP", "RESOLVE_RESP", "Error"]
    assert told[0]["initiators"] == [alice.user.identity]
    assert told[0]["verified"]
    assert told[1]["verified"]
    assert granted.keys[0].value.hex() not in str(told)


def test_a_forked_ticket_is_handed_over_with_a_proof(lab: Session, reference: Profile) -> None:
    assert reference.kms is not None
    alice, bob = (KmsClient(lab, reference.kms, user, random.Random(1)) for user in reference.kms.users[:2])
    granted = alice.request("request", bob.user.identity, forked=True)
    handed = alice.handed_over(granted)
    assert len(granted.keys) == 3
    assert len(bob.resolve("resolve", handed).keys) == 3
    assert not bob.resolve("resolve without the proof", granted.ticket).keys
    assert alice.handed_over(alice.request("request", bob.user.identity)) is None


def test_the_kms_is_shaken_hands_with(lab: Session, reference: Profile) -> None:
    assert reference.kms is not None
    client = KmsClient(lab, reference.kms, reference.kms.users[0], random.Random(1))
    assert client.handshake("TLS").connected
    assert client.handshake("TLS 1.1", minimum="TLSv1", maximum="TLSv1.1").failed


def test_without_a_ticket_nothing_is_sent(lab: Session, reference: Profile) -> None:
    assert reference.kms is not None
    client = KmsClient(lab, reference.kms, reference.kms.users[0], random.Random(1))
    assert client.resolve("resolve", None).failed == "no ticket"


def facts_of(session: Session, serve: Serve, body: bytes) -> dict[str, object]:
    """What the journal says of an answer with this body."""

    def handler(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))

    host, port = serve(handler)
    url = Url("http", host, port, "/")
    KmsClient(session, Kms(request=url, resolve=url, users=(USER,)), USER, random.Random(1)).request("request", "sip:b")
    return dict(next(event.facts for event in session.record.events if "mikey" in event.facts))


def test_an_answer_that_is_no_mikey_message_is_told(session: Session, serve: Serve) -> None:
    assert facts_of(session, serve, b"hello")["mikey"] == "no MIKEY message"


def test_a_false_answer_is_granted_and_not_verified(session: Session, serve: Serve) -> None:
    policy = mikey.Policy((mikey.identity(mikey.RESPONDER, "sip:b"),))
    clear = mikey.kemac(mikey.NO_ENCRYPTION, mikey.write_keys((mikey.Key(mikey.TGK, b"k" * 16),)))
    answer = mikey.Message(mikey.Header(mikey.REQUEST_RESP, 1), (mikey.timestamp(0), mikey.ticket(policy, b"x"), clear))
    facts = facts_of(session, serve, answer.with_payload(mikey.verification(2, bytes(32))).to_bytes())
    assert (facts["granted"], facts["verified"], facts["encryption"]) == (True, False, 0)
    assert facts["responders"] == ["sip:b"]


def test_keys_that_cannot_be_read_are_none(session: Session, serve: Serve) -> None:
    answer = mikey.Message(mikey.Header(99, 1), (mikey.timestamp(0), mikey.kemac(mikey.AES_CM_128, b"\xff" * 20)))
    assert facts_of(session, serve, answer.to_bytes())["mikey"] == "data type 99"
