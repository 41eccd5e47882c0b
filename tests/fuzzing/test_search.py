"""The search: every example is judged, the same seed draws the same, and what was new is worked on further."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis.database import InMemoryExampleDatabase
from tests.fuzzing.test_campaign import Lab

from imsproof.fuzzing.campaign import Budget, Campaign
from imsproof.fuzzing.search import Search, levels_of, marked
from imsproof.fuzzing.watch import Condition, Watch

if TYPE_CHECKING:
    import pytest

    from imsproof.fuzzing.campaign import Progress


def search(lab: Lab, cases: int, *, guided: bool, corpus: list[bytes] | None = None) -> tuple[Progress, Search]:
    made = Search(levels_of("gm-sdp"), corpus or [b"v=0\r\nBOO"], 7, guided=guided, database=InMemoryExampleDatabase())
    campaign = Campaign(lab, Budget(cases=cases, shrink=5.0), restore=lab.restore, watch=Watch(lab, patience=0.0))
    return made.run(campaign), made


def test_one_seed_without_guidance_sends_the_same_bytes() -> None:
    labs = Lab(), Lab()
    for lab in labs:
        search(lab, 120, guided=False)
    assert labs[0].sent == labs[1].sent
    assert len(labs[0].sent) == 120


def test_what_showed_something_new_is_edited_further() -> None:
    done, made = search(Lab(), 250, guided=True)
    assert done.cases == 250
    assert len(made.corpus) > 1
    assert made.seen


def test_harm_is_confirmed_and_made_small() -> None:
    lab = Lab(b"BOOM")
    done, _ = search(lab, 400, guided=False, corpus=[b"v=0\r\nBOOM x"])
    assert done.found
    assert {(one.harm, one.messages) for one in done.found} == {(Condition.DEAD, (b"BOOM",))}


def test_each_message_gets_a_number_of_its_own() -> None:
    finish = marked(b"0123456789abcdef")
    assert finish(b"x 0123456789abcdef") == b"x 0000000000000001"
    assert finish(b"x 0123456789abcdef") == b"x 0000000000000002"


def test_every_protocol_that_has_strategies_is_drawn_from() -> None:
    assert all(levels_of(name) is not None for name in ("gm-sip", "gm-sdp", "dtls", "sctp", "stun", "ng"))
    assert levels_of("sbi") is None


def test_a_round_that_climbs_edits_one_known_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("imsproof.fuzzing.search.CLIMB", 1)
    done, _ = search(Lab(), 60, guided=True)
    assert done.cases == done.volleys == 60
