"""The catalogue is whole: ids, citations, needs and faults all mean something."""

from __future__ import annotations

import pytest

from imsproof.catalogue import CatalogueError, load
from imsproof.catalogue.model import CHECKED, read_citation
from imsproof.lab.faults import all_faults
from imsproof.profile.capabilities import TOKENS


def test_every_need_is_a_capability_that_a_profile_can_have() -> None:
    unknown = {need for one in load() for need in one.needs} - set(TOKENS)
    assert not unknown


def test_every_fault_can_be_planted() -> None:
    unknown = {fault for one in load() for fault in one.faults} - set(all_faults())
    assert not unknown


def test_every_purpose_cites_something_and_says_how_it_was_checked() -> None:
    assert all(one.citations and all(c.checked in CHECKED for c in one.citations) for one in load())


def test_a_family_is_selected_with_those_below_it() -> None:
    chosen = {one.family for one in load().select(["SBI"], [])}
    assert {"SBI-TLS", "SBI-TOKEN"} <= chosen
    assert all(family.startswith("SBI-") for family in chosen)


def test_an_unknown_family_is_named() -> None:
    with pytest.raises(KeyError, match="NOPE"):
        load().select(["NOPE"], [])


def test_a_citation_without_its_mark_is_a_mistake() -> None:
    with pytest.raises(CatalogueError, match="citation"):
        read_citation("TS 33.501 13.1.0", "here")


def test_a_citation_is_read_in_its_parts() -> None:
    one = read_citation("TS 33.117 4.2.2.2.3.1 C [text]", "here")
    assert (one.document, one.clause, one.checked) == ("TS 33.117", "4.2.2.2.3.1 C", "text")
