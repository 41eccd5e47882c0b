"""Tickets and keys of the KMS (RFC 6043; TS 33.328 clauses 4.1.2.2, 4.2.4 and 5.4.3, titles)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from imsproof.codec import mikey
from imsproof.judge import afterwards, control, expect
from imsproof.purpose import purpose, purposes
from imsproof.seams import InconclusiveError

if TYPE_CHECKING:
    from collections.abc import Callable

    from imsproof.actors.kms import KmsAnswer, KmsClient
    from imsproof.bench import Bench

HOUR, DAY = 3600.0, 86_400.0
TICKETS = 3
PATIENCE = 3
"""After so many requests without an answer the rest is left: a KMS may drop what it cannot read."""


def granted(client: KmsClient, responder: KmsClient, label: str = "ticket request") -> KmsAnswer:
    """The control: a ticket for a responder, with keys."""
    answer = client.request(label, responder.user.identity)
    control(answer).holds("ticket-granted")
    return answer


def serves(client: KmsClient, responder: KmsClient) -> None:
    """The KMS still gives tickets."""
    afterwards(client.request("ticket request afterwards", responder.user.identity)).holds("ticket-granted")


@purpose("SRTP-KMS-01")
def test_both_ends_get_the_same_keys(bench: Bench) -> None:
    """Who asked for a ticket and who resolves it have the same keys."""
    alice, bob = bench.kms_users(2)
    ticket = granted(alice, bob)
    resolved = bob.resolve("ticket resolve", ticket.ticket)
    control(resolved).holds("ticket-granted")
    expect(resolved).that("keys-agree", exchanges=[ticket.exchange, resolved.exchange])
    serves(alice, bob)


@purpose("SRTP-KMS-02")
def test_only_who_is_named_resolves(bench: Bench) -> None:
    """A ticket is resolved for the responder that it names, and for nobody else."""
    alice, bob, carol = bench.kms_users(3)
    ticket = granted(alice, bob)
    control(bob.resolve("ticket resolve by who is named", ticket.ticket)).holds("ticket-granted")
    expect(carol.resolve("ticket resolve by another user", ticket.ticket, injected=True)).holds("nothing-granted")
    serves(alice, bob)


@purpose("SRTP-KMS-03")
def test_a_ticket_for_more_responders_is_refused(bench: Bench) -> None:
    """Who writes its own name into a ticket does not get its keys."""
    alice, bob, carol = bench.kms_users(3)
    ticket = granted(alice, bob)
    control(bob.resolve("ticket resolve by who is named", ticket.ticket)).holds("ticket-granted")
    if ticket.ticket is not None:
        policy, data = mikey.Policy.parse(ticket.ticket)
        more = replace(policy, payloads=(*policy.payloads, mikey.identity(mikey.RESPONDER, carol.user.identity)))
        altered = carol.resolve("resolve of an altered ticket", mikey.ticket(more, data), injected=True)
        expect(altered).holds("nothing-granted")
    serves(alice, bob)


@purposes({"SRTP-KMS-04": False, "SRTP-KMS-05": True})
def test_a_forged_mac_is_refused(bench: Bench, case: bool) -> None:
    """A request, or a resolve, whose MAC is not that of its user's key is refused."""
    alice, bob = bench.kms_users(2)
    ticket = granted(alice, bob)
    control(bob.resolve("ticket resolve", ticket.ticket)).holds("ticket-granted")
    if case and ticket.ticket is not None:
        data = bob.sign(bob.resolve_of(ticket.ticket))
    else:
        data = alice.sign(alice.request_for(bob.user.identity))
    forged = data[:-1] + bytes([data[-1] ^ 1])
    expect((bob if case else alice).tell("forged MAC", forged, injected=True)).holds("nothing-granted")
    serves(alice, bob)


@purpose("SRTP-KMS-06")
def test_no_mac_at_all_is_refused(bench: Bench) -> None:
    """A request that says that it has no MAC (NULL) is refused."""
    alice, bob = bench.kms_users(2)
    granted(alice, bob)
    bare = alice.request_for(bob.user.identity).with_payload(mikey.verification(mikey.NO_AUTH, b""))
    expect(alice.tell("NULL instead of a MAC", bare.to_bytes(), injected=True)).holds("nothing-granted")
    serves(alice, bob)


@purpose("SRTP-KMS-07")
def test_nobody_asks_in_anothers_name(bench: Bench) -> None:
    """A request in another user's name, with the own key, gets no ticket."""
    alice, bob = bench.kms_users(2)
    granted(alice, bob)
    message = bob.request_for(bob.user.identity)
    name = mikey.identity(mikey.INITIATOR, alice.user.identity)
    role = bytes([mikey.INITIATOR])
    other = bob.altered(message, lambda one: name if one.kind == mikey.IDR and one.body[:1] == role else one)
    asked = bob.tell("request in another's name", bob.sign(other), injected=True)
    expect(asked).holds("no-ticket-in-name", name=alice.user.identity)
    serves(alice, bob)


@purposes({"SRTP-KMS-08": False, "SRTP-KMS-09": True})
def test_a_replay_is_refused(bench: Bench, case: bool) -> None:
    """The same request, or resolve, once more is refused."""
    alice, bob = bench.kms_users(2)
    answer = granted(alice, bob)
    if case:
        answer = bob.resolve("ticket resolve", answer.ticket)
        control(answer).holds("ticket-granted")
    again = (bob if case else alice).tell("the same once more", answer.sent, injected=True)
    expect(again).holds("nothing-granted")
    serves(alice, bob)


@purposes({"SRTP-KMS-10": ("a day old", -DAY), "SRTP-KMS-11": ("of tomorrow", DAY)})
def test_a_wrong_time_is_refused(bench: Bench, case: tuple[str, float]) -> None:
    """A request whose timestamp is far from now is refused."""
    what, seconds = case
    alice, bob = bench.kms_users(2)
    granted(alice, bob)
    message = alice.request_for(bob.user.identity)
    shifted = alice.altered(message, _shifted(seconds))
    expect(alice.tell(f"request {what}", alice.sign(shifted), injected=True)).holds("nothing-granted")
    serves(alice, bob)


def _shifted(seconds: float) -> Callable[[mikey.Payload], mikey.Payload]:
    def change(payload: mikey.Payload) -> mikey.Payload:
        told = mikey.time_of(payload) if payload.kind == mikey.T else None
        return mikey.timestamp(told + seconds) if told is not None else payload

    return change


@purposes({"SRTP-KMS-12": ("that has ended", -2 * HOUR, -HOUR), "SRTP-KMS-13": ("of later", HOUR, 2 * HOUR)})
def test_a_ticket_is_resolved_while_it_is_valid(bench: Bench, case: tuple[str, float, float]) -> None:
    """A ticket outside of its validity period is not given, or not resolved."""
    what, begin, until = case
    alice, bob = bench.kms_users(2)
    control(bob.resolve("ticket resolve", granted(alice, bob).ticket)).holds("ticket-granted")
    odd = alice.request(f"request of a ticket {what}", bob.user.identity, begin=begin, until=until)
    resolved = bob.resolve(f"resolve of a ticket {what}", odd.ticket, injected=True)
    expect(resolved).that("resolved-within-validity", request=odd.exchange, resolve=resolved.exchange)
    serves(alice, bob)


@purpose("SRTP-KMS-14")
def test_every_ticket_has_keys_of_its_own(bench: Bench) -> None:
    """Several tickets one after the other: no key comes twice."""
    alice, bob = bench.kms_users(2)
    answers = [granted(alice, bob, f"ticket request {number + 1}") for number in range(TICKETS)]
    expect(answers[-1]).that("keys-fresh", exchanges=[one.exchange for one in answers])
    serves(alice, bob)


@purpose("SRTP-KMS-15")
def test_keys_are_never_in_clear(bench: Bench) -> None:
    """The keys in the answers to a request and to a resolve are encrypted."""
    alice, bob = bench.kms_users(2)
    ticket = granted(alice, bob)
    resolved = bob.resolve("ticket resolve", ticket.ticket)
    control(resolved).holds("ticket-granted")
    expect(ticket).holds("keys-encrypted")
    expect(resolved).holds("keys-encrypted")
    serves(alice, bob)


@purpose("SRTP-KMS-16")
def test_answers_are_bound_to_requests(bench: Bench) -> None:
    """The MAC of an answer covers the answer and the request that it is for."""
    alice, bob = bench.kms_users(2)
    expect(alice.request("ticket request", bob.user.identity)).holds("kms-answer-signed")


@purpose("SRTP-KMS-17")
def test_nobody_learns_who_exists(bench: Bench) -> None:
    """A user that does not exist, and a wrong MAC of one that does, are answered alike."""
    alice, bob = bench.kms_users(2)
    granted(alice, bob)
    ghost = bench.kms_stranger(alice)
    wrong = bench.kms_stranger(alice, known=True)
    answers = [one.request(label, bob.user.identity) for one, label in ((ghost, "unknown user"), (wrong, "wrong key"))]
    for one in answers:
        expect(one).holds("nothing-granted")
    expect(answers[-1]).that("kms-answers-alike", exchanges=[one.exchange for one in answers])
    serves(alice, bob)


@purpose("SRTP-KMS-18")
def test_broken_messages_harm_nobody(bench: Bench) -> None:
    """Messages cut off, with unknown payloads or false lengths, get no ticket, and the KMS serves on."""
    alice, bob = bench.kms_users(2)
    granted(alice, bob)
    good = alice.sign(alice.request_for(bob.user.identity))
    unknown = alice.request_for(bob.user.identity).with_payload(mikey.Payload(0x7F, b"unknown"))
    broken = {
        "empty": b"",
        "header alone": good[:10],
        "cut in half": good[: len(good) // 2],
        "cut by a byte": good[:-1],
        "bytes behind its end": good + bytes(16),
        "version 9": bytes([9]) + good[1:],
        "a data type that is none": good[:1] + b"\xee" + good[2:],
        "an unknown payload": alice.sign(unknown),
        "a false length": good[:38] + b"\xff\xff" + good[40:],
        "a loop of payloads": good[:10] + (bytes([mikey.RAND, 0]) * 2000),
        "a quarter of a megabyte": good + bytes(256 * 1024),
    }
    unanswered = 0
    for what, data in broken.items():
        if unanswered < PATIENCE:
            told = alice.tell(f"request: {what}", data, injected=True, resolve=False)
            expect(told).holds("nothing-granted")
            unanswered += bool(told.failed)
    expect(alice.request("ticket request behind them", bob.user.identity)).holds("ticket-granted")
    serves(alice, bob)


@purpose("SRTP-KMS-19")
def test_old_tls_is_refused(bench: Bench) -> None:
    """TLS 1.1 and older are refused by the KMS."""
    alice, bob = bench.kms_users(2)
    granted(alice, bob)
    old = alice.handshake("TLS 1.0 and 1.1 alone", minimum="TLSv1", maximum="TLSv1.1", require_valid=False)
    expect(old).handshake_refused("TLSv1", "TLSv1.1")
    serves(alice, bob)


@purpose("SRTP-KMS-20")
def test_forked_keys_differ_between_responders(bench: Bench) -> None:
    """Where key forking is agreed, two responders of one ticket get different keys."""
    alice, bob, carol = bench.kms_users(3)
    ticket = forked(alice, bob, carol)
    resolved = [one.resolve("ticket resolve", alice.handed_over(ticket)) for one in (bob, carol)]
    for one in resolved:
        control(one).holds("ticket-granted")
    expect(ticket).that("keys-forked", request=ticket.exchange, resolves=[one.exchange for one in resolved])
    serves(alice, bob)


@purpose("SRTP-KMS-21")
def test_a_forked_ticket_needs_its_requesters_proof(bench: Bench) -> None:
    """A forked ticket is not resolved without the proof of who asked for it, nor with a false one."""
    alice, bob, carol = bench.kms_users(3)
    ticket = forked(alice, bob, carol)
    right = alice.handed_over(ticket)
    control(bob.resolve("ticket resolve", right)).holds("ticket-granted")
    expect(bob.resolve("resolve without the proof", ticket.ticket, injected=True)).holds("nothing-granted")
    if right is not None:
        false = replace(right, body=right.body[:-1] + bytes([right.body[-1] ^ 1]))
        expect(bob.resolve("resolve with a false proof", false, injected=True)).holds("nothing-granted")
    serves(alice, bob)


def forked(client: KmsClient, *responders: KmsClient) -> KmsAnswer:
    """A ticket with key forking (``InconclusiveError`` where the KMS gives one without)."""
    answer = client.request("request of a forked ticket", *(one.user.identity for one in responders), forked=True)
    control(answer).holds("ticket-granted")
    if client.handed_over(answer) is None:
        raise InconclusiveError("the KMS gives no ticket with key forking")
    return answer
