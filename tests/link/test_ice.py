"""ICE over UDP: two ends find each other on sockets that something else shares; strangers and silence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from imsproof.engine.ice import Credentials, IceAgent
from imsproof.link.ice import IceEndpoint, facts_of
from imsproof.link.session import ConnectionFailedError, Session
from imsproof.link.udp import UdpEndpoint
from imsproof.seams import Kind

if TYPE_CHECKING:
    from imsproof.seams import Address

ONE, TWO = Credentials.make(), Credentials.make()


async def sockets(session: Session) -> tuple[UdpEndpoint, UdpEndpoint]:
    opened = [
        await UdpEndpoint.open(session, name, "1:sockets", local=("127.0.0.1", 0), quiet=True)
        for name in ("near", "far")
    ]
    return opened[0], opened[1]


def ends(near: UdpEndpoint, far: UdpEndpoint, *, lite: bool) -> tuple[IceEndpoint, IceEndpoint]:
    first = IceAgent(ONE, TWO, controlling=True, candidates=(far.local,), remote_lite=lite)
    second = IceAgent(TWO, ONE, controlling=False, lite=lite, candidates=(near.local,))
    return IceEndpoint(near, first), IceEndpoint(far, second)


@pytest.mark.parametrize("lite", [True, False])
def test_two_ends_agree_and_other_datagrams_wait(session: Session, lite: bool) -> None:
    async def run() -> tuple[Address, Address, Address, Address, object]:
        near, far = await sockets(session)
        first, second = ends(near, far, lite=lite)
        found = await first.connect(2), await second.connect(2)
        await near.send(b"\x16 something else", far.local)
        return (*found, near.local, far.local, await far.receive(2))

    to_far, to_near, near, far, other = session.run(run())
    assert (to_far, to_near) == (far, near)
    assert other == (b"\x16 something else", near)
    sent = [event.facts["stun"] for event in session.record.events if event.kind is Kind.SENT and event.actor == "near"]
    assert sent[0] == "request"
    assert any("agreed" in event.facts.get("text", "") for event in session.record.events)


def test_a_socket_that_is_changed_goes_on(session: Session) -> None:
    async def run() -> tuple[Address, Address]:
        near, far = await sockets(session)
        first, second = ends(near, far, lite=True)
        await second.connect(2)
        local = far.local
        await far.aclose()
        far = await UdpEndpoint.open(session, "far", "2:again", local=local, quiet=True)
        second.attach(far)
        again = IceEndpoint(near, IceAgent(ONE, TWO, controlling=True, candidates=(far.local,), remote_lite=True))
        found = await again.connect(2)
        await first.aclose()
        return found, local

    found, local = session.run(run())
    assert found == local


def test_nobody_there_is_said_in_time(session: Session) -> None:
    async def run() -> None:
        near, far = await sockets(session)
        await IceEndpoint(near, IceAgent(ONE, TWO, controlling=True, candidates=(far.local,))).connect(0.05)

    with pytest.raises(ConnectionFailedError, match="no way to the peer"):
        session.run(run())


def test_what_is_not_in_scope_is_named_where_there_is_no_way(session: Session) -> None:
    async def run() -> None:
        near, _ = await sockets(session)
        await IceEndpoint(near, IceAgent(ONE, TWO, controlling=True), left_out=["192.0.2.2"]).connect(0.05)

    with pytest.raises(ConnectionFailedError, match=r"192\.0\.2\.2 is not in scope\.networks"):
        session.run(run())


def test_the_journal_names_what_matters_in_a_check() -> None:
    check = IceAgent(ONE, TWO, controlling=True).check(nominate=True)
    facts = {"stun": "request", "transaction": check.transaction.hex(), "username": f"{TWO.ufrag}:{ONE.ufrag}"}
    assert facts_of(check.to_bytes()) == {**facts, "nominates": True}
    assert facts_of(b"\0\1\0\x08\x21\x12\xa4\x42" + bytes(12))["stun"] == "malformed"
