"""Subscribers: leased by kind, and alike where one is to speak in another's name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from imsproof.seams import InconclusiveError

if TYPE_CHECKING:
    from tests.bench.conftest import MakeBench


def test_subscribers_are_leased_by_kind(make_bench: MakeBench) -> None:
    with make_bench() as bench:
        assert [one.name for one in bench.subscribers(auth="aka")] == ["aka"]
        assert [one.name for one in bench.subscribers(data_channel=True)] == ["digest"]


@pytest.mark.parametrize("seed", range(6))
def test_who_may_speak_in_another_s_name_is_challenged_as_the_other_is(make_bench: MakeBench, seed: int) -> None:
    with make_bench("mixed", seed=seed) as bench:
        (first,) = bench.subscribers(1)
        assert {first.name, bench.another_like(first).name} == {"one", "two"}
        assert bench.another_like(first).name == "odd"  # when there is no other


def test_fewer_subscribers_than_asked_for_are_inconclusive_with_a_sentence(make_bench: MakeBench) -> None:
    with (
        make_bench() as bench,
        pytest.raises(InconclusiveError, match=r"3 .*subscribers are needed, the profile has 2"),
    ):
        bench.subscribers(3)


def test_what_the_lab_has_not_is_inconclusive_with_a_sentence(make_bench: MakeBench) -> None:
    with make_bench() as bench:
        with pytest.raises(InconclusiveError, match=r"the profile has no gm\.far_end"):
            bench.far_target()
        with pytest.raises(InconclusiveError, match=r"the profile has no gm\.removal"):
            bench.remove(bench.stranger(bench.subscribers(1)[0]))
