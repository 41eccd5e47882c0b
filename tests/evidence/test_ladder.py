"""The ladder is one well-formed SVG that asks for nothing from outside."""

from __future__ import annotations

import re
from dataclasses import replace
from xml.etree import ElementTree as ET

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.evidence import samples
from tests.evidence.test_rows import EVENT

from imsproof.evidence import ladder
from imsproof.seams import Event, Kind, Outcome, Role, Verdict


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(EVENT, max_size=6), st.text(max_size=20))
def test_it_is_well_formed_whatever_happened(events: list[Event], sentence: str) -> None:
    """Hostile texts are escaped; the XML parser takes every ladder."""
    judgements = [samples.judgement(sentence=sentence)]
    ET.fromstring(ladder.svg(samples.result(reason=sentence), events, judgements))


def test_it_shows_lanes_messages_the_injected_one_and_the_outcomes() -> None:
    """All that a reader looks for stands in it as text."""
    judgements = [samples.judgement(Role.CLAIM, Outcome.FAILS, "it was accepted <b>")]
    drawn = ladder.svg(samples.result(verdict=Verdict.FAIL), samples.register_events(), judgements)
    texts = " ".join(ET.fromstring(drawn).itertext())
    for part in ("ue-a", "127.31.5.10 :5060", "REGISTER sip:ims.example", "401 Unauthorized", "injected", "✗", "#2"):
        assert part in texts
    assert "it was accepted <b>" in texts
    assert drawn.count('class="arrow injected"') == 1


def test_nothing_comes_from_outside() -> None:
    """No script, no link, no address but the names of XML."""
    drawn = ladder.svg(samples.result(), samples.register_events(), [])
    assert set(re.findall(r"https?://[^\"' <]+", drawn)) == {"http://www.w3.org/2000/svg"}
    for word in ("<script", "href", "@import", "url(h", "<image", "<foreignObject"):
        assert word not in drawn


def test_many_endpoints_share_lanes() -> None:
    """Ports of one address are joined, then all addresses, so that the picture stays narrow."""
    many = [samples.event(n, Kind.SENT, b"x") for n in range(1, 30)]
    ports = [replace(event, remote=("127.31.5.50", n)) for n, event in enumerate(many)]
    hosts = [replace(event, remote=(f"127.31.5.{n}", n)) for n, event in enumerate(many)]
    assert ladder.svg(samples.result(), ports, []).count('class="lane"') == 2
    assert "lab, 29 addresses" in ladder.svg(samples.result(), hosts, [])


def test_an_empty_purpose_has_a_ladder_too() -> None:
    """Nothing happened, and the picture says so."""
    assert "Nothing was judged." in ladder.svg(samples.result(), [], [])
