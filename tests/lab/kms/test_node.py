"""The lab's KMS by its own words: tickets, refusals, and each fault."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from imsproof.codec import mikey, mikeykeys
from imsproof.lab.kms import node as module
from imsproof.lab.kms.node import REQUEST_TARGET, RESOLVE_TARGET, KeyManagementService
from imsproof.lab.kms.policy import KmsPolicy
from imsproof.lab.kms.users import IDENTITY, USERS, KmsUser
from imsproof.lab.media.http1 import Request, Response
from imsproof.lab.pki import Pki
from imsproof.lab.policy import Policy, PolicyBox

if TYPE_CHECKING:
    from pathlib import Path

ALICE, BOB, CAROL = USERS


class Asking:
    """A KMS without a socket, and its users."""

    def __init__(self, path: Path, **kms: Any) -> None:
        self.kms = KeyManagementService("127.0.0.1", PolicyBox(Policy(kms=KmsPolicy(**kms))), Pki(path))
        self.count = 0

    def post(self, body: bytes, target: str = REQUEST_TARGET, method: str = "POST") -> Response:
        return asyncio.run(self.kms._answer(Request(method, target, (), body)))

    def signed(self, user: KmsUser, kind: int, role: int, *payloads: mikey.Payload, name: str = "") -> bytes:
        self.count += 1
        message = mikey.Message(
            mikey.Header(kind, self.count),
            (
                mikey.timestamp(time.time()),
                mikey.random(role, b"r" * 16),
                mikey.identity(role, name or user.identity),
                mikey.identity(mikey.KMS, IDENTITY),
                *payloads,
                mikey.identity(mikey.PSK, user.psk_id.encode()),
            ),
        )
        names = (name or user.identity).encode() + IDENTITY.encode()
        return mikeykeys.sign(message, mikeykeys.Secrets.of(user.psk, message), names).to_bytes()

    def request(self, *payloads: mikey.Payload, user: KmsUser = ALICE, name: str = "") -> bytes:
        policy = mikey.Policy((mikey.identity(mikey.RESPONDER, BOB.identity), *payloads)).payload()
        return self.signed(user, mikey.REQUEST_INIT_PSK, mikey.INITIATOR, policy, name=name)

    def ticket(self, *payloads: mikey.Payload) -> mikey.Payload:
        ticket = mikey.Message.parse(self.post(self.request(*payloads)).body).first(mikey.TICKET)
        assert ticket is not None
        return ticket

    def resolve(self, ticket: mikey.Payload, user: KmsUser = BOB) -> Response:
        data = self.signed(user, mikey.RESOLVE_INIT_PSK, mikey.RESPONDER, ticket)
        return self.post(data, RESOLVE_TARGET)


def kind(response: Response) -> int:
    return response.body[1] if response.body else -response.status


def test_a_ticket_is_granted_and_resolved(tmp_path: Path) -> None:
    lab = Asking(tmp_path)
    assert kind(lab.post(lab.request())) == mikey.REQUEST_RESP
    assert kind(lab.resolve(lab.ticket())) == mikey.RESOLVE_RESP


@pytest.mark.parametrize("fault", ["", "any_responder"])
def test_who_is_not_named_resolves_nothing(tmp_path: Path, fault: str) -> None:
    lab = Asking(tmp_path, responders_checked=not fault)
    assert kind(lab.resolve(lab.ticket(), CAROL)) == (mikey.RESOLVE_RESP if fault else mikey.ERROR)


@pytest.mark.parametrize("fault", ["", "not_sealed"])
def test_an_altered_ticket_is_refused(tmp_path: Path, fault: str) -> None:
    lab = Asking(tmp_path, ticket_sealed=not fault)
    policy, data = mikey.Policy.parse(lab.ticket())
    more = replace(policy, payloads=(*policy.payloads, mikey.identity(mikey.RESPONDER, CAROL.identity)))
    assert kind(lab.resolve(mikey.ticket(more, data), CAROL)) == (mikey.RESOLVE_RESP if fault else mikey.ERROR)


@pytest.mark.parametrize("fault", ["", "mac_ignored"])
def test_a_forged_mac_is_refused(tmp_path: Path, fault: str) -> None:
    lab = Asking(tmp_path, mac_checked=not fault)
    data = lab.request()
    forged = data[:-1] + bytes([data[-1] ^ 1])
    assert kind(lab.post(forged)) == (mikey.REQUEST_RESP if fault else mikey.ERROR)


@pytest.mark.parametrize("fault", ["", "replays"])
def test_a_replay_is_refused(tmp_path: Path, fault: str) -> None:
    lab = Asking(tmp_path, replays_refused=not fault)
    data = lab.request()
    assert [kind(lab.post(data)) for _ in range(2)] == [
        mikey.REQUEST_RESP,
        mikey.REQUEST_RESP if fault else mikey.ERROR,
    ]


@pytest.mark.parametrize("fault", ["", "any_name"])
def test_a_request_in_anothers_name_is_refused(tmp_path: Path, fault: str) -> None:
    lab = Asking(tmp_path, identity_bound=not fault)
    answer = lab.post(lab.request(user=BOB, name=ALICE.identity))
    assert kind(answer) == (mikey.REQUEST_RESP if fault else mikey.ERROR)


@pytest.mark.parametrize("fault", ["", "validity"])
@pytest.mark.parametrize("shift", [-7200.0, 7200.0])
def test_validity_holds(tmp_path: Path, fault: str, shift: float) -> None:
    lab = Asking(tmp_path, validity_checked=not fault)
    now = time.time()
    times = (
        mikey.role_time(mikey.VALID_FROM, now + shift - 60),
        mikey.role_time(mikey.VALID_UNTIL, now + shift + 60),
    )
    assert kind(lab.resolve(lab.ticket(*times))) == (mikey.RESOLVE_RESP if fault else mikey.ERROR)


class Forked(Asking):
    """A KMS that is asked for forked tickets."""

    def forked(self) -> tuple[tuple[mikey.Key, ...], mikey.Payload]:
        """Keys of the requester, and the ticket with its proof."""
        policy = mikey.Policy(tuple(mikey.identity(mikey.RESPONDER, one.identity) for one in (BOB, CAROL)))
        wish = replace(policy, flags=policy.flags | mikey.FORKED).payload()
        data = self.signed(ALICE, mikey.REQUEST_INIT_PSK, mikey.INITIATOR, wish)
        answer = mikey.Message.parse(self.post(data).body)
        keys = opened(ALICE, data, answer)
        ticket = answer.first(mikey.TICKET)
        assert ticket is not None
        granted, sealed = mikey.Policy.parse(ticket)
        return keys, mikey.ticket(granted, sealed, mikeykeys.initiator_data(keys[1].value))


def opened(user: KmsUser, sent: bytes, answer: mikey.Message) -> tuple[mikey.Key, ...]:
    """The keys of an answer."""
    kemac, stamp = answer.first(mikey.KEMAC), answer.first(mikey.T)
    assert kemac is not None
    assert stamp is not None
    secret = mikeykeys.Secrets.of(user.psk, mikey.Message.parse(sent))
    algorithm, data = mikey.kemac_of(kemac)
    return mikey.read_keys(secret.crypt(algorithm, data, mikey.timestamp_octets(stamp)))


@pytest.mark.parametrize("fault", ["", "not_forked"])
def test_forked_keys_are_the_responders_own_and_the_requester_can_derive_them(tmp_path: Path, fault: str) -> None:
    lab = Forked(tmp_path, keys_forked=not fault)
    keys, ticket = lab.forked()
    for user in (BOB, CAROL):
        sent = lab.signed(user, mikey.RESOLVE_INIT_PSK, mikey.RESPONDER, ticket)
        answer = mikey.Message.parse(lab.post(sent, RESOLVE_TARGET).body)
        modifier = mikey.random_of(answer.first(mikey.RANDR, mikey.KMS))
        name = mikey.identity_of(answer.first(mikey.IDR, mikey.RESPONDER))
        assert name == user.identity.encode()
        derived = tuple(mikeykeys.forked(one, name, modifier) for one in keys[1:])
        assert opened(user, sent, answer) == (keys if fault else (keys[0], *derived))


@pytest.mark.parametrize("fault", ["", "unchecked"])
def test_a_forked_ticket_needs_its_proof(tmp_path: Path, fault: str) -> None:
    lab = Forked(tmp_path, initiator_checked=not fault)
    _, ticket = lab.forked()
    policy, data = mikey.Policy.parse(ticket)
    expected = mikey.RESOLVE_RESP if fault else mikey.ERROR
    assert kind(lab.resolve(mikey.ticket(policy, data))) == expected
    assert kind(lab.resolve(replace(ticket, body=ticket.body[:-1] + bytes([ticket.body[-1] ^ 1])))) == expected
    assert kind(lab.resolve(ticket)) == mikey.RESOLVE_RESP


def test_unknown_users_look_like_a_wrong_mac(tmp_path: Path) -> None:
    ghost = KmsUser("sip:ghost@ims.example", "ghost-key@bsf.ims.example", bytes(32))

    def numbers(**kms: Any) -> list[int]:
        lab = Asking(tmp_path, **kms)
        wrong = replace(ALICE, psk=bytes(32))
        return [lab.post(lab.request(user=user)).body[-3] for user in (ghost, wrong)]

    assert numbers() == [mikey.AUTH_FAILURE, mikey.AUTH_FAILURE]
    assert numbers(enumerates=True) == [mikey.UNSPECIFIED, mikey.AUTH_FAILURE]


def test_what_cannot_be_read_is_refused(tmp_path: Path) -> None:
    lab = Asking(tmp_path)
    good = lab.request()
    assert lab.post(good[:-1]).status == 400
    assert lab.post(good, RESOLVE_TARGET).status == 400
    assert lab.post(good, "/elsewhere").status == 404
    assert lab.post(good, method="GET").status == 404
    assert lab.post(bytes(module.MAX_BODY + 1)).status == 413
    empty = lab.signed(ALICE, mikey.REQUEST_INIT_PSK, mikey.INITIATOR)
    nobody = lab.signed(ALICE, mikey.REQUEST_INIT_PSK, mikey.INITIATOR, mikey.Policy(()).payload())
    bare = lab.signed(BOB, mikey.RESOLVE_INIT_PSK, mikey.RESPONDER)
    assert [lab.post(one).status for one in (empty, nobody)] == [400, 400]
    assert lab.post(bare, RESOLVE_TARGET).status == 400


def test_a_fault_may_end_it_until_the_reset(tmp_path: Path) -> None:
    async def inner() -> int:
        lab = Asking(tmp_path, dies_of=("form",))
        answer = lab.kms._answer
        assert (await answer(Request("POST", REQUEST_TARGET, (), b"broken"))).status == 400
        waiting = asyncio.create_task(answer(Request("POST", REQUEST_TARGET, (), lab.request())))
        await asyncio.sleep(0)
        assert not waiting.done()
        lab.kms.reset()
        return (await waiting).status

    assert asyncio.run(inner()) == 503
