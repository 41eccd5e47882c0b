"""Systematic anomalies: enough of them, named once each, the same each time, and coverable by a sample."""

from __future__ import annotations

import pytest

from imsproof.codec.torture import Aim
from imsproof.fuzzing.anomalies import CLASSES, METHODS, RESPONSE, anomalies, by_name, sample

ALL = list(anomalies())


def test_there_are_more_than_ten_thousand_with_a_name_each() -> None:
    assert len({one.name for one in ALL}) == len(ALL) >= 10_000


def test_every_method_meets_every_class() -> None:
    for method in (*METHODS, RESPONSE):
        assert {one.kind for one in ALL if one.method == method} == set(CLASSES)


def test_nearly_all_are_different_bytes() -> None:
    some = ALL[::7]
    assert len({one.message(Aim()) for one in some}) > 0.95 * len(some)


def test_a_name_is_always_the_same_bytes() -> None:
    one = ALL[1234]
    assert by_name(one.name).message(Aim()) == one.message(Aim())


@pytest.mark.parametrize("name", ["REGISTER/From/nonsense", "NONSENSE/From/empty"])
def test_a_name_that_is_none_is_told(name: str) -> None:
    with pytest.raises(KeyError):
        by_name(name)


def test_a_sample_covers_classes_methods_and_elements_first() -> None:
    chosen = sample(400, seed=3)
    assert len(chosen) == 400
    assert {one.kind for one in chosen} == set(CLASSES)
    assert {one.method for one in chosen} == {*METHODS, RESPONSE}
    assert {one.element for one in chosen} == {one.element for one in ALL}
    assert chosen == sample(400, seed=3)
