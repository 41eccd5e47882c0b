"""Events and judgements survive being stored."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imsproof.seams import Event, Judgement, Kind, Outcome, Role

plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
addresses = st.none() | st.tuples(st.sampled_from(["127.0.0.1", "::1"]), st.integers(0, 65535))
events = st.builds(
    Event,
    seq=st.integers(1, 10**6),
    utc=st.just("2026-01-01T00:00:00.000000Z"),
    mono_ns=st.integers(0, 2**62),
    actor=st.text(max_size=10),
    kind=st.sampled_from(Kind),
    exchange=st.text(max_size=20),
    transport=st.sampled_from(["udp", "tls", ""]),
    local=addresses,
    remote=addresses,
    data=st.binary(max_size=50),
    facts=st.dictionaries(st.text(max_size=8), plain, max_size=4),
)


@given(events)
def test_an_event_survives_json(event: Event) -> None:
    assert Event.from_json(json.loads(json.dumps(event.to_json()))) == event


@given(st.sampled_from(Role), st.sampled_from(Outcome), st.dictionaries(st.text(max_size=8), plain, max_size=3))
def test_a_judgement_survives_json(role: Role, outcome: Outcome, params: dict[str, object]) -> None:
    judgement = Judgement("accepted", 1, role, params, outcome, "a sentence", (1, 2))
    assert Judgement.from_json(json.loads(json.dumps(judgement.to_json()))) == judgement


def test_another_version_of_the_journal_is_not_read() -> None:
    with pytest.raises(ValueError, match="version"):
        Event.from_json({"v": 2})
