"""Whether a leg behind the lab is protected, by what a tap saw there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from imsproof.judge.effect import final_answer, of_exchange
from imsproof.judge.registry import Finding, fails, holds, predicate, unknown
from imsproof.seams import Event, Kind

if TYPE_CHECKING:
    from imsproof.seams import Events

HTTP = re.compile(rb"(?:^|\n)(?:[A-Z]{3,8} \S{1,2000} HTTP/1\.[01]|HTTP/1\.[01] \d{3} )")
TLS = re.compile(rb"[\x14-\x17]\x03[\x00-\x04]")
DTLS = re.compile(rb"[\x14-\x3f]\xfe[\xfd-\xff]")
LONG_ENOUGH = 24
"""Octets of an answer that do not stand anywhere by chance."""


@predicate("leg-protected")
def leg_protected(events: Events, *, exchange: str, answer: str) -> Finding:
    """Nothing of the request's answer, and no HTTP, crossed the tapped leg in clear, and TLS, DTLS or ESP did."""
    own = of_exchange(events, exchange)
    flows = [event for event in own if event.kind is Kind.RECEIVED and "flow" in event.facts]
    given = final_answer(of_exchange(events, answer))
    for flow in flows:
        if HTTP.search(flow.data):
            return fails(f"{exchange}: HTTP crossed in clear: {flow.facts['text']}", flow.seq)
        if given is not None and len(given.data) >= LONG_ENOUGH and given.data[:LONG_ENOUGH] in flow.data:
            return fails(f"{exchange}: what was answered crossed in clear: {flow.facts['text']}", flow.seq, given.seq)
    protected = [flow for flow in flows if _protected(flow)]
    if protected:
        numbers = [flow.seq for flow in protected]
        return holds(
            f"{exchange}: {len(flows)} flows crossed, none in clear, {len(protected)} of them protected", *numbers
        )
    what = f"{len(flows)} flows, none of which is TLS, DTLS or ESP" if flows else "nothing"
    return unknown(f"{exchange}: the tap saw {what}: does it look at the leg behind the MF?", *(f.seq for f in own))


def _protected(flow: Event) -> bool:
    pattern = {"tcp": TLS, "udp": DTLS}.get(str(flow.facts["flow"]))
    return flow.facts["flow"] == "esp" or (pattern is not None and bool(pattern.match(flow.data)))
