"""The forbidden suites: every one in one class, none of them among the good ones."""

from __future__ import annotations

import pytest

from imsproof.codec.tlshello import CIPHER_SUITES
from imsproof.codec.tlssuites import CLASSES, FINITE_FIELD, FORBIDDEN_BY_RELEASE, GOOD, forbidden, suite_name


def test_no_suite_stands_in_two_classes() -> None:
    numbers = [number for kind in (*CLASSES.values(), GOOD, FINITE_FIELD) for number in kind]
    assert len(numbers) == len(set(numbers))


@pytest.mark.parametrize("release", FORBIDDEN_BY_RELEASE)
def test_no_release_forbids_a_good_suite(release: int) -> None:
    assert not set(forbidden(release)) & set(GOOD)
    assert {0x0002, 0x0005, 0x000A, 0x002F, 0xC018} <= set(forbidden(release))


def test_later_releases_forbid_no_less() -> None:
    sizes = [len(forbidden(release)) for release in sorted(FORBIDDEN_BY_RELEASE)]
    assert sizes == sorted(sizes)


def test_names_are_those_of_the_hello_codec() -> None:
    for name, number in CIPHER_SUITES.items():
        assert suite_name(number) in {name, f"0x{number:04X}"}
    assert suite_name(0xFEFE) == "0xFEFE"
