"""Commands of the profile's."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from imsproof.actors.ownprocess import start_command
from imsproof.seams import HarnessError, Kind

if TYPE_CHECKING:
    from imsproof.link.session import Session


def test_its_output_is_there_to_be_read_and_the_journal_names_it(session: Session) -> None:
    async def said() -> tuple[bytes, int]:
        words = [sys.executable, "-c", "print('ready')"]
        process = await start_command(session, words, "the test's", actor="tester")
        out, _ = await process.communicate()
        return out, process.pid

    out, pid = session.run(said())
    assert out == b"ready\n"
    (note,) = [event for event in session.record.events if event.kind is Kind.NOTE]
    assert f"(pid {pid})" in note.facts["text"]


def test_what_cannot_be_started_is_named(session: Session) -> None:
    with pytest.raises(HarnessError, match="the test's command '/nowhere' cannot be started"):
        session.run(start_command(session, ["/nowhere"], "the test's", actor="tester"))
