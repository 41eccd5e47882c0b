"""Bursts: everything is sent, counted and bounded; answers are counted by status; the stop switch works."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING

import pytest
from tests.conftest import events

from imsproof.link.burst import Burst, BurstResult
from imsproof.link.facts import sip_facts
from imsproof.seams import HarnessError, Kind, OutOfScopeError, StoppedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imsproof.link.session import Session

REFUSAL = b"SIP/2.0 503 Service Unavailable\r\n\r\n"


@pytest.fixture
def far() -> Iterator[socket.socket]:
    """A UDP socket that answers 503 to everything."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as far:
        far.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 * 1024 * 1024)
        far.bind(("127.0.0.1", 0))

        def answer() -> None:
            while True:
                data, source = far.recvfrom(2000)
                if data == b"end":
                    return
                far.sendto(REFUSAL, source)

        thread = threading.Thread(target=answer)
        thread.start()
        yield far
        far.sendto(b"end", far.getsockname())
        thread.join(timeout=5)


def run(session: Session, burst: Burst) -> BurstResult:
    return session.run(burst.run(), 20)


def test_all_is_sent_and_answers_are_counted_by_status(session: Session, far: socket.socket) -> None:
    burst = Burst(session, "flooder", "1:F", far.getsockname(), [b"a", b"bb"], rate=5000, count=200, describe=sip_facts)
    result = run(session, burst)
    assert (result.sent, result.bytes) == (200, 300)
    assert result.received == 200
    assert result.statuses == {"503": 200}
    counted = [event.facts for event in events(session) if event.kind is Kind.COUNTED]
    assert sum(facts["sent"] for facts in counted) == 200
    assert sum(facts["received"] for facts in counted) == 200
    assert len([event for event in events(session) if event.facts.get("sample")]) == 10
    assert len(session.packets) == 400
    assert session.flows[0].closed_ns is not None


def test_the_limits_bound_count_and_rate(session: Session, far: socket.socket) -> None:
    burst = Burst(session, "flooder", "1:F", far.getsockname(), [b"a"], rate=1e9, count=10**9)
    assert (burst.count, burst.rate) == (2000, 5000)


def test_several_sources_take_turns(session: Session, far: socket.socket) -> None:
    sources = ["127.0.0.1", "127.0.0.2"]
    run(session, Burst(session, "f", "1:F", far.getsockname(), [b"a"], rate=5000, count=20, sources=sources))
    hosts = [packet.source[0] for packet in session.packets if packet.target == far.getsockname()]
    assert hosts.count("127.0.0.1") == hosts.count("127.0.0.2") == 10


def test_the_stop_switch_ends_a_burst(session: Session, far: socket.socket) -> None:
    burst = Burst(session, "flooder", "1:F", far.getsockname(), [b"a"], rate=1, count=1000)
    threading.Timer(0.1, session.link.stop.set).start()
    with pytest.raises(StoppedError):
        run(session, burst)
    assert burst.result.sent < 10


def test_a_target_out_of_scope_gets_nothing(session: Session) -> None:
    with pytest.raises(OutOfScopeError):
        run(session, Burst(session, "flooder", "1:F", ("192.0.2.1", 5060), [b"a"], rate=10))
    assert session.packets == []


def test_a_source_that_is_not_ours_is_named(session: Session, far: socket.socket) -> None:
    with pytest.raises(HarnessError, match=r"192\.0\.2\.9"):
        run(session, Burst(session, "f", "1:F", far.getsockname(), [b"a"], rate=10, sources=["192.0.2.9"]))


def test_nothing_to_send_is_an_error(session: Session) -> None:
    with pytest.raises(HarnessError, match="at least one"):
        Burst(session, "f", "1:F", ("127.0.0.1", 9), [], rate=10)
