"""DTLS over UDP: two engines with a wire between them, loss, refusals, strangers."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, Any

import pytest
from tests.conftest import events, kinds

from imsproof.engine.dtls import DtlsEngine
from imsproof.engine.identity import Identity, make_identity
from imsproof.link.dtls import DtlsEndpoint
from imsproof.link.session import ConnectionFailedError, Session
from imsproof.link.udp import UdpEndpoint
from imsproof.seams import Kind, OutOfScopeError

if TYPE_CHECKING:
    from imsproof.seams import Address


@pytest.fixture(scope="module")
def identity() -> Identity:
    return make_identity()


async def pair(session: Session, identity: Identity, **server: Any) -> tuple[DtlsEndpoint, DtlsEndpoint]:
    """A client and a server, each on a socket of its own."""
    near = await UdpEndpoint.open(session, "client", "1:client", local=("127.0.0.1", 0), quiet=True)
    far = await UdpEndpoint.open(session, "server", "2:server", local=("127.0.0.1", 0), quiet=True)
    client = DtlsEndpoint(near, DtlsEngine("client", identity, keylog=session.keys.append), far.local)
    return client, DtlsEndpoint(far, DtlsEngine("server", identity, **server), near.local)


def test_a_handshake_and_data_both_ways(session: Session, identity: Identity) -> None:
    async def run() -> tuple[dict[str, Any], bytes | None, bytes | None]:
        client, server = await pair(session, identity)
        facts = await client.handshake()
        await client.send(b"ping")
        ping = await server.receive(2)
        await server.send(b"pong")
        return facts, ping, await client.receive(2)

    facts, ping, pong = session.run(run())
    assert (facts["version"], ping, pong) == ("DTLSv1.2", b"ping", b"pong")
    assert kinds(session, "1:client") == [Kind.HANDSHAKE, Kind.SENT, Kind.RECEIVED]
    assert events(session, "1:client")[0].facts["peer_sha256"] == identity.sha256
    assert session.keys
    assert all(b"ping" not in packet.data for packet in session.packets)


def test_a_lost_flight_is_sent_again(session: Session, identity: Identity) -> None:
    dropped: list[bytes] = []

    async def run() -> dict[str, Any]:
        client, _ = await pair(session, identity)

        def lose_first(datagram: bytes) -> tuple[bytes, ...]:
            if not dropped:
                dropped.append(datagram)
                return ()
            return (datagram,)

        client.alter = lose_first
        return await client.handshake(5)

    assert session.run(run())["version"] == "DTLSv1.2"
    assert len(dropped) == 1


def test_a_certificate_that_the_server_refuses_is_an_alert(session: Session, identity: Identity) -> None:
    async def run() -> None:
        client, _ = await pair(session, identity, verify_peer=lambda der: False)
        await client.handshake()
        await client.receive(2)

    with pytest.raises(ConnectionFailedError, match="failed"):
        session.run(run())
    alert = next(event for event in events(session, "1:client") if event.kind is Kind.ALERT)
    assert alert.facts == {"alert": "bad_certificate", "level": "fatal"}
    refused = next(event for event in events(session, "2:server") if event.kind is Kind.REFUSED)
    assert (refused.facts["by"], refused.facts["stage"]) == ("tester", "handshake")


def test_what_the_server_selected_is_told_when_the_client_goes_no_further(session: Session, identity: Identity) -> None:
    async def run() -> None:
        near, far = [
            await UdpEndpoint.open(session, name, name, local=("127.0.0.1", 0), quiet=True) for name in ("1:c", "2:s")
        ]
        picky = DtlsEngine("client", identity, ciphers=b"AECDH:ADH", security_level=0)
        server = DtlsEngine("server", identity, ciphers=b"AECDH:ADH", security_level=0)  # it asks for a certificate too
        client = DtlsEndpoint(near, picky, far.local)
        DtlsEndpoint(far, server, near.local)
        with pytest.raises(ConnectionFailedError, match="unexpected message"):
            await client.handshake()

    session.run(run())
    told = [event for event in events(session, "1:c") if event.kind is Kind.REFUSED]
    assert "_anon_" in told[0].facts["selected"]


def test_a_peer_that_moved_is_heard_from_both_addresses(session: Session, identity: Identity) -> None:
    async def run() -> tuple[bytes | None, list[bytes]]:
        client, server = await pair(session, identity)
        await asyncio.gather(client.handshake(), server.handshake())
        other = await UdpEndpoint.open(session, "server", "3:other", local=("127.0.0.1", 0), quiet=True)
        strays: list[bytes] = []
        came = asyncio.Event()

        def stray(data: bytes, _: Address) -> None:
            strays.append(data)
            came.set()

        client.share(stray)
        client.moved(other.local)
        await server.send(b"from where it was")
        await other.send(b"\x80 not DTLS", client.udp.local)
        found = await client.receive(2)
        async with asyncio.timeout(5):
            await came.wait()
        return found, strays

    found, strays = session.run(run())
    assert found == b"from where it was"
    assert strays == [b"\x80 not DTLS"]


def test_silence_is_a_timeout(session: Session, identity: Identity) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as deaf:
        deaf.bind(("127.0.0.1", 0))

        async def run() -> None:
            udp = await UdpEndpoint.open(session, "client", "1:client", remote=deaf.getsockname(), quiet=True)
            await DtlsEndpoint(udp, DtlsEngine("client", identity)).handshake(0.2)

        with pytest.raises(ConnectionFailedError, match=r"within 0\.2 s"):
            session.run(run())
    assert kinds(session) == [Kind.TIMEOUT]


def test_a_peer_outside_the_scope_is_no_silent_one(session: Session, identity: Identity) -> None:
    async def run() -> None:
        near = await UdpEndpoint.open(session, "client", "1:client", local=("127.0.0.1", 0), quiet=True)
        await DtlsEndpoint(near, DtlsEngine("client", identity), ("192.0.2.1", 5000)).handshake()

    with pytest.raises(OutOfScopeError, match=r"192\.0\.2\.1"):
        session.run(run())


def test_who_says_the_other_role_in_sdp_is_told_so(session: Session, identity: Identity) -> None:
    async def run() -> None:
        near, far, deaf = [
            await UdpEndpoint.open(session, name, name, local=("127.0.0.1", 0), quiet=True)
            for name in ("1:c", "2:c", "3:s")
        ]
        client = DtlsEndpoint(near, DtlsEngine("client", identity), far.local)
        other = DtlsEngine("client", identity)
        other.start()
        await far.send(other.outgoing()[0], near.local)
        with pytest.raises(ConnectionFailedError, match="failed"):
            await client.handshake()
        silent = DtlsEndpoint(deaf, DtlsEngine("server", identity), near.local)
        with pytest.raises(ConnectionFailedError, match="within"):
            await silent.handshake(0.05)

    session.run(run())
    refused = next(event for event in events(session, "1:c") if event.kind is Kind.REFUSED)
    assert refused.facts["reason"] == "it sent a ClientHello, though its a=setup makes it the DTLS server"
    waited = next(event for event in events(session, "3:s") if event.kind is Kind.TIMEOUT)
    assert waited.facts["unheard"] == "no ClientHello came, though its a=setup makes it the DTLS client"


def test_a_closed_port_ends_the_handshake_at_once(session: Session, identity: Identity) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as gone:
        gone.bind(("127.0.0.1", 0))
        address: Address = gone.getsockname()

    async def run() -> None:
        udp = await UdpEndpoint.open(session, "client", "1:client", remote=address, quiet=True)
        await DtlsEndpoint(udp, DtlsEngine("client", identity)).handshake(5)

    with pytest.raises(ConnectionFailedError, match="refused"):
        session.run(run())
    assert Kind.REFUSED in kinds(session)


def test_strangers_and_other_protocols_do_not_reach_the_engine(session: Session, identity: Identity) -> None:
    other: list[bytes] = []

    async def run() -> str:
        client, server = await pair(session, identity)
        server.on_other = lambda data, _: other.append(data)
        stranger = await UdpEndpoint.open(session, "outsider", "3:stranger", remote=server.udp.local)
        await stranger.send(b"\x16\xfe\xfd" + b"x" * 60)
        await client.udp.send(b"\x80\x00 looks like RTP", server.udp.local)
        await client.handshake()
        return server.state

    assert session.run(run()) == "connected"
    assert other == [b"\x80\x00 looks like RTP"]
    assert any("not from the peer" in str(event.facts.get("text")) for event in events(session, "2:server"))


def test_closing_tells_the_peer_and_frees_the_port(session: Session, identity: Identity) -> None:
    async def run() -> tuple[bytes | None, Address]:
        client, server = await pair(session, identity)
        await client.handshake()
        await client.aclose()
        end = await server.receive(2)
        again = await UdpEndpoint.open(session, "client", "4:again", local=client.udp.local)
        return end, again.local

    end, _ = session.run(run())
    assert end == b""
    closed = next(event for event in events(session, "2:server") if event.kind is Kind.CLOSED)
    assert closed.facts["by"] == "lab"
