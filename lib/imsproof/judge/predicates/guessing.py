"""Guessing: is it slowed down, and does time tell who exists?"""

from __future__ import annotations

from math import erfc, sqrt
from statistics import median
from typing import TYPE_CHECKING

from imsproof.judge.effect import Result, effect, final_answer, of_exchange
from imsproof.judge.registry import Finding, fails, holds, predicate, unknown
from imsproof.seams import Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imsproof.seams import Events

CHALLENGES = (401, 407)
LEAST_SAMPLES = 20


@predicate("guessing-limited")
def guessing_limited(events: Events, *, guesses: Sequence[str], right: str, slow: float) -> Finding:
    """After so many wrong guesses in a row the guesser no longer gets a quick look at each further one.

    Limited is: a later guess got no challenge any more; or its answers took ``slow`` seconds or longer (silence after a
    wrong response slows nobody who does not wait for it); or the right answer that follows (``right``) is refused.
    """
    looked_at = sum(_challenged(events, exchange) for exchange in guesses)
    if not looked_at:
        return unknown(f"none of {len(guesses)} guesses was challenged, so that none was looked at")
    for number, exchange in enumerate(guesses[1:], start=2):
        own = of_exchange(events, exchange)
        if not own:
            continue
        if not _challenged(events, exchange):
            return holds(f"guess {number} was not challenged any more: {effect(events, exchange).how}", own[-1].seq)
        last_answer = [e for e in own if e.kind is Kind.RECEIVED][-1]
        seconds = (last_answer.mono_ns - own[0].mono_ns) / 1e9
        if seconds >= slow:
            return holds(f"guess {number} took {seconds:.1f} s", last_answer.seq)
    last = effect(events, right)
    if last.result is Result.ACCEPTED:
        told = f"{looked_at} wrong guesses were each looked at at once, and then the right one was accepted"
        return fails(told, last.event)
    return holds(f"after {len(guesses)} wrong guesses even the right one is refused here: {last.how}", last.event)


def _challenged(events: Events, exchange: str) -> bool:
    return any(e.kind is Kind.RECEIVED and e.facts.get("status") in CHALLENGES for e in of_exchange(events, exchange))


@predicate("times-alike")
def times_alike(
    events: Events, *, ones: Sequence[str], others: Sequence[str], error_rate: float, telling: float
) -> Finding:
    """The time to the answer does not tell two kinds of requests apart.

    A Mann-Whitney test with the normal approximation, two-sided: of labs whose times do not differ at all it holds at
    most the share ``error_rate`` to differ. A difference counts only when it also tells: when a single pair of answers,
    one of each kind, is put in the right order with a chance of at least ``telling``.
    """
    first, second = (
        [t for t in (_seconds(events, name) for name in group) if t is not None] for group in (ones, others)
    )
    if min(len(first), len(second)) < LEAST_SAMPLES:
        return unknown(f"only {len(first)} and {len(second)} times, {LEAST_SAMPLES} of each are needed")
    chance, p = mann_whitney(first, second)
    told = max(chance, 1 - chance)
    sentence = (
        f"{len(first)} and {len(second)} times, medians {median(first) * 1e3:.2f} and {median(second) * 1e3:.2f} ms:"
        f" a pair is told apart with a chance of {told:.0%} (p = {p:.2g}, error rate {error_rate:g})"
    )
    return fails(sentence) if p < error_rate and told >= telling else holds(sentence)


def mann_whitney(first: Sequence[float], second: Sequence[float]) -> tuple[float, float]:
    """Return the chance that one of ``second`` is larger than one of ``first``, and the two-sided p value.

    Ties count half, and the variance is corrected for them.
    """
    n, m = len(first), len(second)
    ranked = sorted([(value, 0) for value in first] + [(value, 1) for value in second])
    rank_sum, ties, place = 0.0, 0.0, 0
    while place < n + m:
        end = place
        while end < n + m and ranked[end][0] == ranked[place][0]:
            end += 1
        rank = (place + 1 + end) / 2
        rank_sum += rank * sum(kind for _, kind in ranked[place:end])
        ties += (end - place) ** 3 - (end - place)
        place = end
    u = rank_sum - m * (m + 1) / 2
    total = n + m
    variance = n * m / 12 * (total + 1 - ties / (total * (total - 1)))
    chance = u / (n * m)
    if variance <= 0:
        return chance, 1.0
    z = max(abs(u - n * m / 2) - 0.5, 0.0) / sqrt(variance)
    return chance, erfc(z / sqrt(2))


def _seconds(events: Events, exchange: str) -> float | None:
    own = of_exchange(events, exchange)
    answer = final_answer(own)
    sent = next((event for event in own if event.kind is Kind.SENT), None)
    if answer is None or sent is None or any(event.facts.get("retransmission") for event in own):
        return None
    return (answer.mono_ns - sent.mono_ns) / 1e9


@predicate("little-for-little")
def little_for_little(events: Events, *, exchange: str, factor: float, messages: int, repeats: bool = True) -> Finding:
    """What comes back to one datagram of a stranger is no more than ``factor`` times its bytes, and few messages.

    Without ``repeats`` the same message counts once: a server that keeps state repeats its answer to an INVITE until it
    is acknowledged (RFC 3261 section 17.2.1), though it should not for a stranger (section 26.3.2.4).
    """
    own = of_exchange(events, exchange)
    sent = [e for e in own if e.kind is Kind.SENT]
    came = [e for e in own if e.kind is Kind.RECEIVED]
    if not sent:
        return unknown(f"{exchange}: nothing was sent")
    if not repeats:
        came = list({e.data: e for e in reversed(came)}.values())[::-1]
    out, back = sum(len(e.data) for e in sent), sum(len(e.data) for e in came)
    sentence = f"{exchange}: {len(came)} {'' if repeats else 'different '}messages with {back} bytes for {out} bytes"
    numbers = [e.seq for e in came]
    if back > factor * out:
        return fails(f"{sentence}, at most {factor:g} times the bytes expected", *numbers)
    if len(came) > messages * len(sent):
        return fails(f"{sentence}, at most {messages} messages for one expected", *numbers)
    return holds(sentence, *numbers)
