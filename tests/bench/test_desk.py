"""The desk: sections of the profile or a sentence that says what lacks, leases, and chance that can be repeated."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING

import pytest

from imsproof.bench.desk import Desk
from imsproof.seams import InconclusiveError

if TYPE_CHECKING:
    from tests.bench.conftest import MakeBench


@pytest.mark.parametrize("section", ["gm", "sbi", "mw"])
def test_a_section_that_the_profile_lacks_is_inconclusive_with_a_sentence(make_bench: MakeBench, section: str) -> None:
    with make_bench("") as bench, pytest.raises(InconclusiveError, match=f"the profile has no {section} section"):
        attrgetter(section)(bench)


def test_a_node_that_the_profile_lacks_is_inconclusive_with_a_sentence(make_bench: MakeBench) -> None:
    with make_bench() as bench:
        for ask in (bench.producer, bench.nrf):
            with pytest.raises(InconclusiveError, match="the profile has no"):
                ask()


def test_the_same_seed_draws_the_same(make_bench: MakeBench) -> None:
    drawn = []
    for _ in range(2):
        with make_bench() as bench:
            drawn.append(bench.random.random())
    assert drawn[0] == drawn[1]


def test_what_one_purpose_leases_another_one_does_not_get_before_it_closes(make_bench: MakeBench) -> None:
    with make_bench() as bench:
        assert {bench.lease("border", ["a", "b"]), bench.lease("border", ["a", "b"])} == {"a", "b"}
    with make_bench() as later:
        assert later.lease("border", ["a"]) == "a"


def test_the_tester_s_address_on_a_bench_is_the_first_of_the_profile(make_bench: MakeBench) -> None:
    hook = "tester: {addresses: [127.0.0.9]}\ndc: {via: hook, hook: {command: [x], answer: {sdp: v=0}}}\n"
    with make_bench("", hook) as bench:
        assert isinstance(bench, Desk)
        assert bench.profile.dc is not None
        assert bench.profile.dc.hook is not None
        assert bench.hook_address(bench.profile.dc.hook) == "127.0.0.9"
    with make_bench("", hook.partition("\n")[2]) as bench:
        assert bench.profile.dc is not None
        assert bench.profile.dc.hook is not None
        assert bench.hook_address(bench.profile.dc.hook) == "127.0.0.1"
