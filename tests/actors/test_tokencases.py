"""The table of wrong tokens: every row is used, and what goes through an SCP is part of it."""

from __future__ import annotations

from imsproof import catalogue
from imsproof.actors.tokencases import TABLE, THROUGH_SCP


def test_every_row_is_a_purpose_of_the_catalogue() -> None:
    known = {one.id for one in catalogue.load().purposes}
    assert set(TABLE) | set(THROUGH_SCP) <= known


def test_each_row_goes_through_an_scp_at_most_once() -> None:
    rows = [row for rows in THROUGH_SCP.values() for row in rows]
    assert len(set(rows)) == len(rows)
    assert set(rows) <= set(TABLE)
