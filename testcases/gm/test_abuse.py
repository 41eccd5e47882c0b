"""Abuse of calls and registrations by who has no part in them (TS 24.229 5.2.6.3, RFC 3261, RFC 3891)."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from imsproof.actors.liveness import SipProbe
from imsproof.actors.outsider import Outsider
from imsproof.actors.parties import Ringing, forge
from imsproof.actors.transactions import new_branch
from imsproof.actors.ue import Ue
from imsproof.codec import sip
from imsproof.judge import alive, control, expect
from imsproof.purpose import purpose, purposes
from imsproof.seams import InconclusiveError, Role

if TYPE_CHECKING:
    from imsproof.actors.call import Call, Dialog
    from imsproof.actors.parties import Parties
    from imsproof.actors.sipsubject import SipAnswer
    from imsproof.bench import Bench
    from imsproof.link.subject import RawAnswer

SDP = ("Content-Type", "application/sdp")
FACTOR = 5.0
MESSAGES = 8
"""What one datagram of a stranger may bring back: an answer with its headers, a provisional one, and repetitions."""
LINGER = 1.0
"""Seconds without a further message after which no more is waited for."""


@dataclass(frozen=True, slots=True)
class Intrusion:
    """A request of a third party within a call.

    Attributes:
        method: of the request.
        headers: what it needs beside the usual ones.
        sdp: whether it carries an offer.
    """

    method: str
    headers: tuple[tuple[str, str], ...] = ()
    sdp: bool = False


def standing(parties: Parties) -> tuple[Call, Dialog]:
    """The control: a call that stands, and its dialog."""
    call = parties.call("call")
    control(call).accepted()
    if not call.ok or call.dialog is None:
        raise InconclusiveError(f"no call came up: {call.failed or f'answered {call.status}'}")
    return call, call.dialog


def elsewhere(offer: bytes) -> bytes:
    """The same offer with media at another port."""
    return re.sub(rb"(?m)^(m=\w+ )(\d+)", lambda found: found[1] + b"%d" % (int(found[2]) ^ 2), offer)


def still_stands(parties: Parties, call: Call, after: str) -> None:
    """Expect that the caller can change the call, and hang up; then expect that calls are served."""
    expect(call.reinvite(parties.offer, label=f"re-INVITE of the caller after {after}")).accepted()
    call.bye()
    again(parties)


def again(parties: Parties) -> None:
    """That calls are served afterwards."""
    last = parties.call("call again")
    alive(last)
    if last.ok:
        last.bye()


@purposes(
    {
        "GM-ABUSE-01": (Intrusion("BYE"),),
        "GM-ABUSE-02": (Intrusion("INVITE", (SDP,), sdp=True), Intrusion("UPDATE", (SDP,), sdp=True)),
        "GM-ABUSE-03": (
            Intrusion("REFER", (("Refer-To", "<sip:elsewhere@example.invalid>"),)),
            Intrusion("NOTIFY", (("Event", "refer"), ("Subscription-State", "terminated;reason=noresource"))),
            Intrusion("INFO"),
            Intrusion("PRACK", (("RAck", "1 1 INVITE"),)),
        ),
    }
)
def test_a_third_party_has_no_say_in_a_call(bench: Bench, case: tuple[Intrusion, ...]) -> None:
    """A third party that knows a dialog's identifiers sends requests within it: none gets through, the call stands."""
    parties = bench.parties()
    call, dialog = standing(parties)
    for attacker in bench.strangers(parties.caller.subscriber):
        for one in case:
            label = f"{one.method} of {attacker.actor}"
            body = elsewhere(parties.offer) if one.sdp else b""
            forged = forge(attacker, dialog, one.method, label, headers=one.headers, body=body)
            still = call.reinvite(parties.offer, label=f"re-INVITE of the caller after {label}")
            expect(forged).holds("not-reached", actor="ue-b", methods=[one.method], until=still.exchange)
            expect(still).accepted()
    call.bye()
    again(parties)


@purpose("GM-ABUSE-04")
def test_a_stranger_s_cancel_ends_no_call(bench: Bench) -> None:
    """CANCEL of a third party, with the identifiers of an INVITE that rings, does not reach the callee."""
    caller, callee = bench.ue("ue-a"), bench.ue("ue-b")
    attackers = bench.strangers(caller.subscriber)
    ringing = Ringing(caller, callee, "INVITE that rings")
    control(ringing.incoming).holds("arrived", method="INVITE")
    silence = bench.profile.timers.silence
    sent = [
        attacker.send_raw(cancel_of(ringing), f"CANCEL of {attacker.actor}", within=silence) for attacker in attackers
    ]
    # Each hop answers CANCEL by itself (RFC 3261 9.2), so that its answer says nothing of the next hop.
    callee.wait_request("CANCEL", within=silence)
    for answer in sent:
        expect(answer).holds("not-reached", actor="ue-b", methods=["CANCEL"])
    call = ringing.take()
    expect(call).accepted()
    alive(call)
    if call.ok:
        call.bye()


def cancel_of(ringing: Ringing) -> bytes:
    """The CANCEL of an INVITE, as its sender would write it (RFC 3261 9.1)."""
    sent = ringing.sent or ringing.incoming.message
    names = ("Via", "Route", "Max-Forwards", "From", "To", "Call-ID")
    headers = [(one.name, one.value) for one in sent.headers if one.name in names]
    number = (sent.get("CSeq") or "1").split()[0]
    return sip.request("CANCEL", sent.uri, [*headers, ("CSeq", f"{number} CANCEL")]).to_bytes()


@purpose("GM-ABUSE-05")
def test_guessed_tags_end_no_call(bench: Bench) -> None:
    """A BYE with the right Call-ID and guessed tags, of a third party, leaves the call as it is."""
    parties = bench.parties()
    call, dialog = standing(parties)
    for attacker in bench.strangers(parties.caller.subscriber):
        forge(attacker, dialog, "BYE", f"BYE of {attacker.actor} with guessed tags", tags=("guess-a", "guess-b"))
    still_stands(parties, call, "the guesses")


@purpose("GM-ABUSE-06")
def test_a_third_subscriber_replaces_no_call(bench: Bench) -> None:
    """An INVITE with Replaces or Join, of a subscriber who has no part in the call that it names, leaves that call."""
    parties = bench.parties()
    call, dialog = standing(parties)
    attacker = bench.strangers(parties.caller.subscriber)[-1]
    local, remote = (sip.parse_name_addr(one).tag or "" for one in (dialog.local, dialog.remote))
    for name in ("Replaces", "Join"):
        value = f"{dialog.call_id};to-tag={remote};from-tag={local}"
        false = attacker.invite(
            parties.callee.impu, parties.offer, headers=[(name, value)], label=f"INVITE of {attacker.actor} with {name}"
        )
        if false.ok:
            false.bye()
    still_stands(parties, call, "Replaces and Join")


@purpose("GM-ABUSE-08")
def test_nobody_registers_for_another(bench: Bench) -> None:
    """A subscriber who is authenticated as itself neither removes another's bindings nor binds itself in its place."""
    parties = bench.parties()
    first = parties.call("call before")
    control(first).accepted()
    if first.ok:
        first.bye()
    victim = parties.callee.impu
    attacker = Ue(bench.session, bench.gm, parties.caller.subscriber, actor="attacker")

    def for_another(message: sip.Message) -> None:
        for name in ("From", "To"):
            message.set(name, f"<{victim}>" + (";tag=third" if name == "From" else ""))

    def remove_all(message: sip.Message) -> None:
        for_another(message)
        message.set("Contact", "*")
        message.set("Expires", "0")

    for label, alter in (("binds itself for another", for_another), ("removes another's bindings", remove_all)):
        done = attacker.register(alter=alter, label=f"REGISTER that {label}")
        expect(done).refused()
        before = len(parties.calls.taken)
        call = parties.call(f"call to it, after a REGISTER that {label}")
        expect(call).accepted()
        expect(parties.arrived(before) or call).holds("arrived", method="INVITE")
        if call.ok:
            call.bye()
    again(parties)


@purpose("GM-ABUSE-09")
def test_used_up_hops_end_a_request(bench: Bench) -> None:
    """A request with Max-Forwards: 0 does not get to the callee."""
    parties = bench.parties()
    first = parties.call("call")
    control(first).accepted()
    if first.ok:
        first.bye()

    def no_hops(message: sip.Message) -> None:
        message.set("Max-Forwards", "0")

    call = parties.call("INVITE with Max-Forwards: 0", alter=no_hops)
    if call.ok:
        call.bye()
    expect(call).refused(status=[483])
    expect(call).holds("not-reached", actor="ue-b", methods=["INVITE"])
    again(parties)


@purpose("GM-ABUSE-10")
def test_a_stranger_gets_little_for_little(bench: Bench) -> None:
    """One datagram of somebody unknown, whose source may be forged, brings back no flood of messages or bytes."""
    target = bench.gm.udp
    if target is None:
        raise InconclusiveError("a forged source is a matter of UDP; the profile gives no gm.udp")
    probe = SipProbe(bench.session, bench.gm, transport="udp")
    stranger = Outsider(bench.session, actor="stranger")
    silence = bench.profile.timers.silence

    async def together() -> list[RawAnswer]:
        return await asyncio.gather(
            *(
                stranger.asend(
                    unknown_request(method, bench.gm.registrar if plain else f"sip:somebody@{bench.gm.domain}"),
                    target,
                    f"{method} of a stranger",
                    within=silence,
                    linger=min(silence, LINGER),
                )
                for method, plain in (("OPTIONS", True), ("REGISTER", True), ("INVITE", False), ("SUBSCRIBE", False))
            )
        )

    for answer in bench.session.run(together()):
        expect(answer).holds("little-for-little", factor=FACTOR, messages=MESSAGES, repeats=False)
        expect(answer).holds("little-for-little", role=Role.FORM, factor=FACTOR, messages=MESSAGES)
    alive(probe.probe())


def unknown_request(method: str, uri: str) -> bytes:
    """A small request of somebody unknown."""
    token = new_branch()[7:]
    who = f"sip:{token}@stranger.invalid"
    headers = [
        ("Via", f"SIP/2.0/UDP stranger.invalid:5060;branch={new_branch()};rport"),
        ("Max-Forwards", "70"),
        ("From", f"<{who}>;tag={token}"),
        ("To", f"<{uri if method != 'REGISTER' else who}>"),
        ("Call-ID", f"{token}@stranger.invalid"),
        ("CSeq", f"1 {method}"),
        ("Contact", f"<{who}>"),
    ]
    return sip.request(method, uri, headers).to_bytes()


@purpose("GM-ABUSE-11")
def test_a_call_is_answered_by_the_one_it_was_offered_to(bench: Bench) -> None:
    """A 200 of a third party, with the identifiers of an INVITE that rings elsewhere, does not reach the caller."""
    parties = bench.ue("ue-a"), bench.ue("ue-b")
    attackers = bench.strangers(parties[0].subscriber)
    ringing = Ringing(*parties, "INVITE that rings")
    control(ringing.incoming).holds("arrived", method="INVITE")
    for number, attacker in enumerate(attackers):
        attacker.local  # noqa: B018 - opens its socket
        answer = sip.response(
            ringing.incoming.message,
            200,
            headers=[("Contact", attacker.contact), SDP],
            body=ringing.incoming.message.body,
            to_tag=f"third-{number}",
            record_route=True,
        )
        attacker.send_raw(answer.to_bytes(), f"200 of {attacker.actor}", within=bench.profile.timers.silence / 2)
    call = ringing.take()
    expect(call).accepted()
    for number, _ in enumerate(attackers):
        expect(call).holds("answered-by-nobody-else", tag=f"third-{number}")
    alive(call)
    if call.ok:
        call.bye()


@purpose("GM-ABUSE-12")
def test_barred_destinations_stay_barred_in_every_spelling(bench: Bench) -> None:
    """A destination that subscribers may not call is refused, however its number is written."""
    parties = bench.parties()
    first = parties.call("call to another subscriber")
    control(first).accepted()
    if first.ok:
        first.bye()
    for barred in bench.gm.barred:
        for target in spellings(barred):
            call = parties.call(f"INVITE to {target}", target=target)
            if call.ok:
                call.bye()
            expect(call).refused()
    again(parties)


def spellings(uri: str) -> list[str]:
    """A URI and others that mean the same (RFC 3966 section 4, RFC 3261 section 19.1.4)."""
    parsed = sip.parse_uri(uri)
    user = parsed.user
    if not user.lstrip("+").isdigit():
        return [uri]
    spaced = f"{user[:3]}-{user[3:6]}.{user[6:]}"
    if parsed.scheme == "tel":
        return [uri, f"tel:{spaced}", f"TEL:{user}"]
    return [uri, uri.replace("+", "%2B", 1), uri.replace(user, user[:-1] + f"%3{user[-1]}", 1), f"{uri};user=phone"]


@purpose("GM-ABUSE-07")
def test_registration_states_are_their_owner_s(bench: Bench) -> None:
    """A subscriber who subscribes to another's registration state is told nothing of it."""
    parties = bench.parties()
    victim, attacker = parties.callee, parties.caller
    own = watch(victim, victim, "SUBSCRIBE to its own registration state")
    control(own).accepted()
    told = victim.wait_request("NOTIFY")
    control(told or own).holds("arrived", method="NOTIFY")
    spied = watch(attacker, victim, "SUBSCRIBE to another's registration state")
    attacker.wait_request("NOTIFY", within=bench.profile.timers.silence)
    expect(spied).that("never-told", actor=attacker.actor, texts={"the other's contact": victim.contact_uri})
    if not spied.ok:
        expect(spied).refused(status=[403, 404, 489])
    alive(watch(victim, victim, "SUBSCRIBE to its own registration state again"))


def watch(who: Ue, whom: Ue, label: str) -> SipAnswer:
    """Subscribe to a registration state (RFC 3680)."""
    headers = [("Event", "reg"), ("Expires", "600"), ("Contact", who.contact), ("Accept", "application/reginfo+xml")]
    return who.request("SUBSCRIBE", whom.impu, headers=headers, label=label)


LEAST_SESSION = 90
"""The shortest session interval that there may be, in seconds (RFC 4028 clause 4)."""


@purpose("GM-ABUSE-14")
def test_sessions_are_not_refreshed_without_end(bench: Bench) -> None:
    """An INVITE that wants its session refreshed each second is refused (422), or arrives with a bearable interval."""
    parties = bench.parties()
    usual = parties.call("call as usual")
    control(usual).accepted()
    if usual.ok:
        usual.bye()
    before = len(parties.calls.taken)
    timers = [("Supported", "timer"), ("Session-Expires", "1;refresher=uas"), ("Min-SE", "1")]
    attack = parties.call("call whose session is refreshed each second", headers=timers)
    arrived = parties.arrived(before)
    if arrived is None:
        expect(attack).refused(status=[422])
    else:
        expect(arrived).holds("session-bearable", least=LEAST_SESSION)
    if attack.ok:
        attack.bye()
    alive(parties.call("call as usual, again"))
