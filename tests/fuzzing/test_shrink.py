"""Delta debugging finds what matters, and stops when its budget is used up."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from imsproof.fuzzing.shrink import minimise, minimise_bytes


@given(st.lists(st.integers(0, 9), min_size=1), st.sets(st.integers(0, 9), min_size=1, max_size=3))
def test_only_what_is_needed_is_left(items: list[int], needed: set[int]) -> None:
    def fails(some: object) -> bool:
        return needed.issubset(some)  # type: ignore[arg-type]

    whole = [*items, *needed]
    assert sorted(minimise(whole, fails)) == sorted(needed)


def test_bytes_shrink_to_the_token_that_matters() -> None:
    data = b"line one\r\nline <<<two\r\nline three\r\n" * 20
    assert minimise_bytes(data, lambda some: b"<<<" in some) == b"<<<"


def test_a_used_up_budget_ends_it_with_something_that_fails() -> None:
    asked: list[int] = []

    def fails(some: object) -> bool:
        asked.append(1)
        return True

    assert minimise(list(range(100)), fails, spent=lambda: len(asked) > 3)
    assert len(asked) < 20
