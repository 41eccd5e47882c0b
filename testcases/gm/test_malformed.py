"""Malformed messages on Gm (RFC 4475, RFC 5118, TS 33.117 clause 4.4.4): judged by class, and service goes on.

Requests that a registrar reads are carried by REGISTER: an unregistered sender's REGISTER is challenged when it is
taken for good, so that acceptance shows without a subscriber's keys.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING

import pytest

from imsproof.actors.torturer import Torturer
from imsproof.codec.torture import huge, ims, plain, rfc4475, rfc5118
from imsproof.codec.torture.draft import Kind, Reaction, case, header, line
from imsproof.fuzzing.anomalies import sample
from imsproof.fuzzing.growth import MALFORMED, measure
from imsproof.fuzzing.health import memory_of
from imsproof.gmsteps import BLAMED, PROCESSED, SERVED
from imsproof.judge import alive, control, expect
from imsproof.judge.growth import grows
from imsproof.link.burst import Burst
from imsproof.link.facts import sip_facts
from imsproof.purpose import purpose, purposes
from imsproof.seams import InconclusiveError
from imsproof.seams import Kind as SeamsKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imsproof.actors.ue import Ue
    from imsproof.bench import Bench
    from imsproof.codec.torture import Case
    from imsproof.judge.growth import Round
    from imsproof.link.subject import RawAnswer

FIVE = rfc4475.named("ncl", "scalar02", "badvers", "mismatch01", "insuf")
CONTRADICTIONS = rfc4475.named("multi01", "mcl01", "clerr", "mismatch02")
ENDED = rfc4475.named("bext01", "unkscm", "novelsc", "zeromf")
LIBERAL = tuple(one for one in rfc4475.ALL if one.kind is Kind.EITHER and Reaction.PROCESS in one.proxy)
MARKER = "imsproof-mark"
STOPPED = rfc4475.named("zeromf", "bext01", "badvers", "clerr", "lwsstart")
ANOMALIES, AT_ONCE = 400, 16
LEFTOVERS = rfc4475.named("badinv01", "mismatch01", "quotbal", "insuf")
A_ROUND = 100
"""Messages of a round: two kilobytes of each that are left behind for good show."""
BRIEF = 0.05
"""Seconds to take answers for, where a good request follows that shows the rest to be through."""
UNREADABLE = ("<x>", "<si34567@127.0.0.1:42555>", "<sip:a@127.0.0.1:99999>", "<sip:a@[::1>", "<sip:%>")
"""Contacts whose URI nobody can read; the second is what a campaign left of a message (docs/findings.md)."""
TRIES = 4
OUT_OF_ORDER = ("ACK", "PRACK", "UPDATE", "INFO", "NOTIFY", "CANCEL", "BYE", "REFER", "CANCEL", "BYE")


@pytest.fixture
def torturer(bench: Bench) -> Torturer:
    """Somebody who sends malformed messages."""
    return Torturer(bench.session, bench.gm, bench.random, sources=bench.profile.tester.addresses)


def serves(after: Sequence[RawAnswer]) -> bool:
    """Claim that the lab serves, at least another source than the one that sent what is malformed."""
    return expect(after[0]).that("serves", exchanges=[one.exchange for one in after], accept=PROCESSED).held


@purpose("GM-MALFORMED-01")
def test_malformed_requests_are_refused(torturer: Torturer) -> None:
    """Five malformed requests are refused or dropped, and after each one the lab still serves."""
    control(torturer.plain()).accepted(PROCESSED)
    for one in FIVE:
        expect(torturer.send(one, "REGISTER")).refused(accept=PROCESSED)
        after = torturer.well(f"well-formed after {one.name}")
        if not serves(after):
            break
    alive(*after, accept=PROCESSED)


@purposes(
    {
        "GM-MALFORMED-02": (*rfc4475.VALID_CASES, *rfc4475.named("cparam02", "inv2543")),
        "GM-MALFORMED-03": tuple(one for one in rfc5118.ALL if one.kind is Kind.VALID),
    }
)
def test_valid_requests_are_processed(torturer: Torturer, case: tuple[Case, ...]) -> None:
    """What the RFC calls valid is answered as any good request is, in its own method where the lab answers that."""
    control(torturer.plain()).accepted(PROCESSED)
    carried = {method: torturer.plain(method) for method in sorted({one.method for one in case})}
    for one in case:
        if one.datagram and torturer.transport != "udp":
            continue
        answered = carried[one.method].data or one.method not in ("INVITE", "OPTIONS", "MESSAGE")
        answer = torturer.send(one, None if answered else "REGISTER", within=torturer.session.timers.answer)
        expect(answer).holds("processed", wrong=BLAMED)
    alive(*torturer.well(), accept=PROCESSED)


@purpose("GM-MALFORMED-04")
def test_contradictions_are_refused(torturer: Torturer) -> None:
    """A request with two values where one may stand, or a wrong length, is not served as if one of them counted."""
    control(torturer.plain()).accepted(PROCESSED)
    some = tuple(one for one in CONTRADICTIONS if torturer.transport == "udp" or not one.datagram)
    for answer, one in zip(torturer.send_all(some, "REGISTER"), some, strict=True):
        expect(answer).refused(accept=PROCESSED, status=one.statuses)
    alive(*torturer.well(), accept=PROCESSED)


@purpose("GM-MALFORMED-05")
def test_what_a_proxy_must_end_is_ended(bench: Bench, torturer: Torturer) -> None:
    """A REGISTER with an unknown Proxy-Require, an unknown scheme or, at a P-CSCF, no hops left is not served."""
    control(torturer.plain()).accepted(PROCESSED)
    edge = "gm.p-cscf" in bench.profile.capabilities()
    cases = [one for one in ENDED if edge or one.name != "zeromf"]  # a registrar is where a REGISTER ends
    for answer, one in zip(torturer.send_all(cases, "REGISTER"), cases, strict=True):
        expect(answer).refused(accept=PROCESSED, status=one.statuses)
    alive(*torturer.well(), accept=PROCESSED)


@purposes({"GM-MALFORMED-06": LIBERAL, "GM-MALFORMED-09": (*ims.AGREEMENT, *ims.HEADERS)})
def test_what_may_be_overlooked_does_not_end_service(torturer: Torturer, case: tuple[Case, ...]) -> None:
    """Refused, dropped or overlooked: the lab goes on serving after each handful of such requests."""
    control(torturer.plain()).accepted(PROCESSED)
    for start in range(0, len(case), 8):
        torturer.send_all(case[start : start + 8], "REGISTER")
        after = torturer.well()
        if not serves(after):
            break
    alive(*after, accept=PROCESSED)


@purpose("GM-MALFORMED-07")
def test_responses_that_nobody_asked_for_are_dropped(torturer: Torturer) -> None:
    """A response without its request, well formed or not, is not answered, and the lab goes on serving."""
    control(torturer.plain()).accepted(PROCESSED)
    for answer in torturer.send_all(rfc4475.RESPONSES):
        expect(answer).holds("stray-not-answered")
    after = torturer.well()
    serves(after)
    alive(*after, accept=PROCESSED)


@purpose("GM-MALFORMED-08")
def test_malformed_credentials_register_nobody(torturer: Torturer) -> None:
    """No malformed Authorization is answered with 200, and the lab goes on challenging."""
    control(torturer.plain()).accepted(PROCESSED)
    for start in range(0, len(ims.AUTHORIZATION), 8):
        for answer in torturer.send_all(ims.AUTHORIZATION[start : start + 8], "REGISTER"):
            expect(answer).refused(accept=[200])
        after = torturer.well()
        if not serves(after):
            break
    alive(*after, accept=PROCESSED)


@purpose("GM-MALFORMED-10")
def test_a_refusal_does_not_reflect(torturer: Torturer) -> None:
    """A mark in headers that answers do not copy does not come back in a refusal."""
    control(torturer.plain()).accepted(PROCESSED)
    marked = (
        line(f'Subject: {MARKER}\\" <script>'),
        line(f"X-Unknown: {MARKER}"),
    )
    some = tuple(replace(one, edits=(*one.edits, *marked)) for one in (*FIVE, *LIBERAL))
    for answer in torturer.send_all(some, "REGISTER"):
        expect(answer).holds("not-reflected", marker=MARKER)
    alive(*torturer.well(), accept=PROCESSED)


@purpose("GM-MALFORMED-11")
def test_huge_messages_are_dealt_with_quickly(torturer: Torturer) -> None:
    """While and after huge messages come in, a good REGISTER is answered about as fast as before."""
    before = torturer.plain()
    control(before).accepted(PROCESSED)
    for one in huge.ALL:
        torturer.send(one, within=0.001)
        after = torturer.well(f"well-formed after {one.name}")
        quick = expect(after[-1]).holds("not-slower", reference=before.exchange, factor=20, floor=1.0)
        if not (serves(after) and quick.held):
            break
    alive(*after, accept=PROCESSED)


@purpose("GM-MALFORMED-12")
def test_malformed_messages_leave_nothing_behind(bench: Bench) -> None:
    """After a hundred malformed requests a good one is answered about as fast as before them."""
    torturer = Torturer(bench.session, bench.gm, bench.random, transport="udp", sources=bench.profile.tester.addresses)
    before = torturer.plain()
    control(before).accepted(PROCESSED)
    some = LEFTOVERS * 25
    datagrams = [one.message(torturer.aim("OPTIONS"), "OPTIONS") for one in some]
    burst = Burst(
        bench.session,
        "outsider",
        bench.session.exchange("a hundred malformed OPTIONS"),
        torturer.target,
        datagrams,
        rate=200,
        describe=sip_facts,
    )
    sent = bench.session.run(burst.run())
    control(sent).holds("flood-happened", at_least=len(datagrams))
    after = torturer.well()
    serves(after)
    expect(after[-1]).holds("not-slower", reference=before.exchange, factor=20, floor=1.0)
    alive(*after, accept=PROCESSED)


@purpose("GM-MALFORMED-16")
def test_what_a_proxy_has_to_stop_does_not_reach_the_other_user(bench: Bench) -> None:
    """A good MESSAGE of a registered UE reaches the other UE; those that a proxy has to stop do not."""
    caller, callee = bench.ue("ue-a", transport="udp"), bench.ue("ue-b", transport="udp")
    good = f"{MARKER}-{bench.random.getrandbits(40):010x}"
    answer = caller.request("MESSAGE", callee.impu, headers=[("Subject", good)], label="good MESSAGE")
    if not control(answer).that("mark-arrived", actor="ue-b", marker=good).held:
        why = answer.failed or f"answered {answer.status}"
        raise InconclusiveError(
            f"a good MESSAGE does not come through as it was sent ({why}): where MESSAGE is not allowed, and through a"
            " back-to-back user agent, it cannot be seen what a proxy stops"
        )
    torturer = Torturer(bench.session, bench.gm, bench.random, transport="udp")
    for one in STOPPED:
        mark = f"{MARKER}-{bench.random.getrandbits(40):010x}"
        data = spoil(torturer, caller, replace(one, method="MESSAGE"), callee.impu, mark)
        spoiled = caller.send_raw(data, f"{one.name}: {one.about}", within=bench.profile.timers.silence)
        expect(spoiled).that("mark-not-arrived", actor="ue-b", marker=mark)
    after = caller.request("MESSAGE", callee.impu, headers=[("Subject", good)], label="good MESSAGE afterwards")
    expect(after).that("serves", exchanges=[after.exchange], accept=SERVED)
    alive(after, accept=SERVED)


def spoil(torturer: Torturer, caller: Ue, one: Case, callee: str, mark: str = MARKER) -> bytes:
    """Write a case as a registered UE sends it: its own address, its route, and a mark."""
    host, port = caller.local
    own = f"{f'[{host}]' if ':' in host else host}:{port}"
    aim = replace(torturer.aim(one.method), user=caller.impu, callee=callee, sent_by=own)
    routes = caller.registration.service_route if caller.registration else ()
    more = (line(f"Subject: {mark}"), *(line(f"Route: {route}") for route in routes))
    return replace(one, edits=(*one.edits, *more)).message(aim)


@purpose("GM-MALFORMED-19")
def test_hostile_xml_does_not_slow_service_down(bench: Bench) -> None:
    """After each request whose body is hostile XML, a good REGISTER is answered about as fast as before."""
    ue = bench.ue(transport="udp")
    torturer = Torturer(bench.session, bench.gm, bench.random, transport="udp")
    before = torturer.plain()
    control(before).accepted(PROCESSED)
    for one in ims.XML:
        data = spoil(torturer, ue, one, ue.impu)
        ue.send_raw(data, f"{one.name}: {one.about}", within=bench.profile.timers.silence)
        after = torturer.well(f"well-formed after {one.name}")
        quick = expect(after[-1]).holds("not-slower", reference=before.exchange, factor=20, floor=1.0)
        if not (serves(after) and quick.held):
            break
    alive(*after, accept=PROCESSED)
    ue.close()


@purpose("GM-MALFORMED-20")
def test_requests_out_of_order_do_not_end_service(torturer: Torturer) -> None:
    """Requests for dialogs and transactions that nobody began are answered or dropped, and service goes on."""
    control(torturer.plain()).accepted(PROCESSED)
    for method in OUT_OF_ORDER:
        stray = case(
            method, "RFC 3261", "outside any dialog", Kind.EITHER, method, header("To", "<$callee>;tag=nobody")
        )
        torturer.send(stray)
        after = torturer.well(f"well-formed after {method}")
        if not serves(after):
            break
    alive(*after, accept=PROCESSED)


@purpose("GM-MALFORMED-22")
def test_systematic_anomalies_do_not_end_service(bench: Bench) -> None:
    """After each handful of a covering set of the systematic anomalies, the lab still serves."""
    torturer = Torturer(bench.session, bench.gm, bench.random, transport="udp", sources=bench.profile.tester.addresses)
    control(torturer.plain()).accepted(PROCESSED)
    cases = sample(ANOMALIES)
    for start in range(0, ANOMALIES, AT_ONCE):
        torturer.send_named(
            [(one.name, one.message(torturer.aim(one.method))) for one in cases[start : start + AT_ONCE]]
        )
        after = torturer.well(f"well-formed after {cases[start].name} and others")
        if not serves(after):
            break
    alive(*after, accept=PROCESSED)


@purpose("GM-MALFORMED-24")
def test_memory_does_not_grow(bench: Bench) -> None:
    """In rounds of good and of malformed OPTIONS, memory does not grow with the malformed ones alone, again and again.

    What looks like it is measured once more after a rest, in which a lab frees what it keeps for a transaction.
    """
    torturer = Torturer(bench.session, bench.gm, bench.random, transport="udp", sources=bench.profile.tester.addresses)
    control(torturer.plain()).accepted(PROCESSED)
    series = [bench.session.exchange("memory")]
    if grows(in_rounds(bench, torturer, series[0])):
        bench.session.run(asyncio.sleep(bench.profile.timers.associations))
        series.append(bench.session.exchange("memory after a rest"))
        in_rounds(bench, torturer, series[1])
    after = torturer.well()
    serves(after)
    expect(after[-1]).holds("memory-not-growing", series=series)
    alive(*after, accept=PROCESSED)


def in_rounds(bench: Bench, torturer: Torturer, name: str) -> list[Round]:
    """Send bursts of good and malformed OPTIONS in turn; the readings between them stand in the journal."""
    assert bench.profile.health is not None
    assert bench.profile.health.pids is not None
    path = bench.profile.health.pids

    def send(kind: str) -> None:
        bad = kind == MALFORMED
        some = [LEFTOVERS[number % len(LEFTOVERS)] for number in range(A_ROUND)]
        aims = [torturer.aim("OPTIONS") for _ in some]
        data = [
            one.message(aim, "OPTIONS") if bad else plain("OPTIONS", aim) for one, aim in zip(some, aims, strict=True)
        ]
        label = bench.session.exchange(f"{A_ROUND} {kind} OPTIONS")
        burst = Burst(
            bench.session, "outsider", label, torturer.target, data, rate=500, describe=sip_facts, linger=BRIEF
        )
        control(bench.session.run(burst.run())).holds("flood-happened", at_least=A_ROUND)
        torturer.plain(label="well-formed behind them")

    def noted(after: str, kib: int) -> None:
        facts = {"after": after, "memory_kib": kib, "processes": " ".join(map(str, memory_of(path).pids))}
        bench.session.emit(SeamsKind.COUNTED, "harness", name, facts=facts)

    return measure(lambda: memory_of(path).kib, send, noted)


@purpose("GM-MALFORMED-25")
def test_contacts_that_cannot_be_read_do_not_end_service(bench: Bench) -> None:
    """Requests of a stranger whose Contact holds no URI are answered or dropped; the lab serves on, and is the same."""
    torturer = Torturer(bench.session, bench.gm, bench.random, sources=bench.profile.tester.addresses)
    control(torturer.plain()).accepted(PROCESSED)
    names = [processes(bench)]
    for method, contact in product(("INVITE", "MESSAGE", "OPTIONS", "SUBSCRIBE"), UNREADABLE):
        one = case(f"{method} {contact}", "RFC 3261", contact, Kind.EITHER, method, header("Contact", contact))
        torturer.send(one)
        after = torturer.well(f"well-formed after {method} with Contact: {contact}")
        names.append(processes(bench))
        same = not all(names) or expect(after[-1]).that("same-processes", readings=names).held
        if not (serves(after) and same):
            come_back(bench, torturer)
            break
    alive(*after, accept=PROCESSED)


def come_back(bench: Bench, torturer: Torturer) -> None:
    """Give a lab that ended the time to be started again, for the sake of the purposes that follow."""
    for _ in range(TRIES):
        bench.session.run(asyncio.sleep(bench.profile.timers.silence))
        if torturer.well("come back?")[0].data:
            return


def processes(bench: Bench) -> str:
    """Journal which processes the lab has now; ``""`` where the profile does not say."""
    if bench.profile.health is None or bench.profile.health.pids is None:
        return ""
    name = bench.session.exchange("processes")
    now = memory_of(bench.profile.health.pids)
    facts = {"processes": " ".join(map(str, now.pids))}
    bench.session.emit(SeamsKind.COUNTED, "harness", name, facts=facts)
    return name
