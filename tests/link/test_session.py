"""Link and session: the journal's order, the tap's caps, and that closing closes everything."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

import pytest

from imsproof.link import session as module
from imsproof.link.udp import UdpEndpoint
from imsproof.seams import Kind, OutOfScopeError, Record

if TYPE_CHECKING:
    from imsproof.link.session import Link, Session


def test_exchanges_are_numbered_from_one(session: Session) -> None:
    assert [session.exchange("REGISTER"), session.exchange("POST")] == ["1:REGISTER", "2:POST"]


def test_events_from_several_threads_have_no_gaps(session: Session) -> None:
    def write() -> None:
        for _ in range(200):
            session.note("x")

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [event.seq for event in session.record.events] == list(range(1, 801))


def test_a_note_holds_its_text_and_facts(session: Session) -> None:
    event = session.note("odd", actor="ue-a", exchange="1:X", injected=True)
    assert (event.kind, event.facts) == (Kind.NOTE, {"text": "odd", "injected": True})


def test_the_tap_counts_what_no_longer_fits(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TAP_PACKETS", 2)
    for _ in range(5):
        session.tap("udp", ("127.0.0.1", 1), ("127.0.0.1", 2), b"x")
    assert (len(session.packets), session.untapped) == (2, 3)


def test_the_tap_holds_no_more_bytes_than_its_cap(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TAP_BYTES", 10)
    for _ in range(3):
        session.tap("udp", ("127.0.0.1", 1), ("127.0.0.1", 2), b"123456")
    assert (len(session.packets), session.untapped) == (1, 2)


def test_closing_closes_sockets_and_flows_and_nothing_is_written_afterwards(link: Link) -> None:
    session = link.session(Record("TEST-02"))
    endpoint = session.run(UdpEndpoint.open(session, "outsider", "1:X", remote=("127.0.0.1", 9)))
    session.close()
    session.close()
    session.note("too late")
    assert endpoint._transport is None
    assert session.flows[0].closed_ns is not None
    assert all(event.facts.get("text") != "too late" for event in session.record.events)


def test_closing_works_after_the_stop_switch(link: Link) -> None:
    session = link.session(Record("TEST-03"))
    session.run(UdpEndpoint.open(session, "outsider", "1:X", remote=("127.0.0.1", 9)))
    link.stop.set()
    session.close()
    assert session.flows[0].closed_ns is not None


def test_a_thing_that_cannot_be_closed_does_not_keep_the_others_open(session: Session) -> None:
    class Stubborn:
        async def aclose(self) -> None:
            raise RuntimeError("no")

    endpoint = session.run(UdpEndpoint.open(session, "outsider", "1:X", remote=("127.0.0.1", 9)))
    session.own(Stubborn())
    session.close()
    assert endpoint._transport is None
    assert any("Stubborn" in str(event.facts.get("text")) for event in session.record.events)


def test_a_thing_that_hangs_does_not_keep_the_others_open(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    class Hanging:
        async def aclose(self) -> None:
            await asyncio.Event().wait()

    monkeypatch.setattr(module, "CLOSE_SECONDS", 0.1)
    endpoint = session.run(UdpEndpoint.open(session, "outsider", "1:X", remote=("127.0.0.1", 9)))
    session.own(Hanging())
    session.close()
    assert endpoint._transport is None
    assert any("in time" in str(event.facts.get("text")) for event in session.record.events)


def test_an_address_out_of_scope_is_noted_and_never_sent_to(session: Session) -> None:
    with pytest.raises(OutOfScopeError):
        session.run(UdpEndpoint.open(session, "outsider", "1:X", remote=("192.0.2.1", 5060)))
    assert session.packets == []
    assert session.record.events[-1].facts["out_of_scope"] is True
