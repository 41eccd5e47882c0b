"""Where the contacts that subscribers bind lead a call: round in circles, to many, to where nobody may call.

RFC 3261 16.3, RFC 5393; TS 24.229 5.4.3.3.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from imsproof.actors.answering import Answering
from imsproof.actors.farleg import FarLeg
from imsproof.actors.ue import Ue
from imsproof.codec import sip
from imsproof.judge import afterwards, alive, control, expect
from imsproof.purpose import purpose
from imsproof.seams import InconclusiveError

if TYPE_CHECKING:
    from collections.abc import Callable

    from imsproof.actors.call import Call
    from imsproof.actors.parties import Parties
    from imsproof.bench import Bench
    from imsproof.judge.expect import Expectation
    from imsproof.link.subject import Exchange

BREADTH = 60
"""To how many a request with the usual Max-Breadth may be spread (RFC 5393 section 5.3.3)."""


class Busy:
    """A caller, and two subscribers who refuse each call as busy, and who bind what they like."""

    def __init__(self, bench: Bench) -> None:
        self.caller, self.first, self.second = bench.ue("ue-a"), bench.ue("ue-b"), bench.ue("ue-c")
        self._came = {ue: Answering(ue, lambda _offer: 486).taken for ue in (self.first, self.second)}
        self._offer = FarLeg(bench.session, self.caller.local[0]).sdp().to_bytes()

    @property
    def both(self) -> tuple[tuple[Ue, Ue], tuple[Ue, Ue]]:
        """Each with the other one."""
        return (self.first, self.second), (self.second, self.first)

    def call(self, label: str, hops: int) -> Call:
        """Call the first; ``hops`` bound what a lab without any protection makes of it."""
        return self.caller.invite(self.first.impu, self._offer, alter=hop_limit(hops), label=label)

    def reached(self, judge: Callable[[Exchange], Expectation], ue: Ue, label: str) -> None:
        """Judge that a call arrives; where somebody else is bound too, whose answer is the best is another question."""
        came = self._came[ue]
        before = len(came)
        call = self.caller.invite(ue.impu, self._offer, label=label)
        judge(came[before] if len(came) > before else call).holds("arrived", method="INVITE")


UNKNOWN_PLACES = {
    "a name that nobody knows": "<sip:x@stranger.invalid>",
    "an IPv6 address": "<sip:x@[::1]:5060>",
    "no place at all": "<sip:x@0.0.0.0:9>",
    "a telephone number": "<tel:+15550100>",
}
"""Contacts of somebody who never answers a challenge."""


def hop_limit(hops: int) -> Callable[[sip.Message], None]:
    """Let a request pass so many hops."""
    return lambda message: message.set("Max-Forwards", str(hops))


@purpose("GM-ABUSE-13")
def test_contacts_that_lead_back_make_no_loop(bench: Bench) -> None:
    """Two subscribers whose contacts name each other: a call to one of them comes to each UE no more than twice."""
    busy = Busy(bench)
    busy.reached(control, busy.first, "call to who is busy")
    try:
        for ue, other in busy.both:
            bind(ue, other.impu, 600, f"REGISTER of {ue.actor} with {other.actor} as contact")
        looped = busy.call("call into the loop", 12)
        for ue, _ in busy.both:
            expect(looped).that("hops-limited", actor=ue.actor, method="INVITE", most=2 + (ue is busy.first))
    finally:
        for ue, other in busy.both:
            bind(ue, other.impu, 0, f"REGISTER of {ue.actor} without it")
    busy.second.register(label="REGISTER of ue-c with its own contact")
    busy.reached(afterwards, busy.second, "call to who is busy, again")


@purpose("GM-ABUSE-17")
def test_several_contacts_that_lead_back_do_not_multiply_a_call(bench: Bench) -> None:
    """Two subscribers bind contacts that name each other, each in other words: one call makes no flood of calls.

    That loops are found by the same Request-URI does not help here; Max-Breadth allows a request to be spread to 60.
    """
    busy = Busy(bench)
    busy.reached(control, busy.first, "call to who is busy")
    others = {ue: ">, <".join(f"{other.impu};way={n}" for n in range(3)) for ue, other in busy.both}
    try:
        for ue, contacts in others.items():
            bind(ue, contacts, 600, f"REGISTER of {ue.actor} with three ways to the other")
        after = len(bench.record.events)
        called = busy.call("call to who is three times somebody else", 8)
        expect(called).that("not-multiplied", actors=["ue-b", "ue-c"], method="INVITE", after=after, most=BREADTH)
    finally:
        for ue, contacts in others.items():
            bind(ue, contacts, 0, f"REGISTER of {ue.actor} without them")
            ue.register(label=f"REGISTER of {ue.actor} with its own contact")
    busy.reached(afterwards, busy.second, "call to who is busy, again")


def bind(ue: Ue, contact: str, seconds: int, label: str) -> None:
    """Bind another contact than the UE's own (or several, ``>, <`` between them), or end that binding."""

    def other_contact(message: sip.Message) -> None:
        message.set("Contact", f"<{contact}>")
        message.set("Expires", str(seconds))

    ue.register(alter=other_contact, label=label)


@purpose("GM-ABUSE-15")
def test_a_request_is_not_spread_beyond_its_breadth(bench: Bench) -> None:
    """A call with Max-Breadth 1 to a subscriber with two contacts is offered to one of them at a time."""
    caller, first = bench.ue("ue-a"), bench.ue("ue-b")
    second = bench.stranger(first.subscriber, "ue-b elsewhere")
    bench.register(second)
    offer = FarLeg(bench.session, caller.local[0]).sdp().to_bytes()
    after = len(bench.record.events)
    narrow = [("Max-Breadth", "1")]
    within = 2 * bench.session.timers.silence
    ringing = caller.ainvite(first.impu, offer, headers=narrow, within=within, label="call with Max-Breadth 1")
    call = bench.session.run(ringing)
    both = [first.actor, second.actor]
    expect(call).holds("one-at-a-time", actors=both, method="INVITE", after=after)
    second.deregister()
    first.register(label="REGISTER of ue-b again")  # a network that grants one contact has taken the newest
    for ue in (first, second):
        Answering(ue, lambda _offer: 486)
    alive(caller.invite(first.impu, offer, label="call to who is busy"), accept=[486])


@purpose("GM-ABUSE-16")
def test_a_contact_does_not_lead_to_a_barred_destination(bench: Bench) -> None:
    """A subscriber who binds a destination that it may not call as its contact is no way to that destination."""
    parties = bench.parties()
    usual = parties.call("call as usual")
    control(usual).accepted()
    if usual.ok:
        usual.bye()
    callee, barred = parties.callee, bench.gm.barred[0]
    before = len(parties.calls.taken)
    try:
        bind(callee, barred, 600, f"REGISTER with {barred} as contact")
        callee.deregister("REGISTER that ends its own contact")
        attack = parties.call("call to who bound it")
        arrived = parties.arrived(before)
        if arrived is None:
            expect(attack).refused()
        else:  # the network knows where that contact was registered from, and does not dial it
            expect(arrived).holds("arrived", method="INVITE")
        if attack.ok:
            attack.bye()
    finally:
        bind(callee, barred, 0, "REGISTER without it")
    callee.register(label="REGISTER with its own contact")
    alive(parties.call("call as usual, again"))


@purpose("GM-ABUSE-18")
def test_who_answers_no_challenge_shuts_nobody_out(bench: Bench) -> None:
    """After REGISTERs whose challenges nobody answered, a UE that comes from the same address is served as before."""
    parties, source = bench.parties(), bench.profile.tester.addresses[1]
    who, place = parties.caller.subscriber, f"at {source}"
    before = bench.stranger(who, "ue-c", source=source)
    control(before.register(label=f"REGISTER {place}")).accepted()
    control(_call(parties, before, f"INVITE {place}")).accepted()
    before.deregister()
    before.close()
    stranger = Ue(bench.session, bench.gm, parties.callee.subscriber, actor="stranger", source=source)
    for told, contact in UNKNOWN_PLACES.items():
        challenged = stranger.challenge(
            alter=partial(sip.Message.set, name="Contact", value=contact), label=f"REGISTER of a stranger from {told}"
        )
        if challenged.ok:
            raise InconclusiveError("the lab registers without a challenge, so nothing is left unanswered")
    stranger.close()
    after = bench.stranger(who, "ue-d", source=source)
    expect(after.register(label=f"REGISTER {place} after the stranger's")).accepted()
    expect(_call(parties, after, f"INVITE {place} after the stranger's")).accepted()
    after.deregister()
    after.close()
    alive(_call(parties, parties.caller, "INVITE of the caller"))


def _call(parties: Parties, ue: Ue, label: str) -> Call:
    call = ue.invite(parties.callee.impu, parties.offer, label=label)
    if call.ok:
        call.bye()
    return call
