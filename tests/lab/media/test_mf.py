"""The MF over real sockets, with a DC AS behind it: right, and with each planted fault."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from tests.lab.media.support import OTHER, UE, WAIT, Port, UePeer, ask, box, change, get

from imsproof.codec.dtls import HELLO_VERIFY_REQUEST, handshakes, split_records
from imsproof.engine.dtls import DtlsEngine
from imsproof.engine.identity import fingerprint
from imsproof.engine.sctp import ChannelClosedError
from imsproof.lab.media.dcas import DcApplicationServer, subscribers_apps
from imsproof.lab.media.errors import MediaRefusedError
from imsproof.lab.media.mdc import make_trust
from imsproof.lab.media.mf import MediaFunction

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from imsproof.lab.dctypes import DcEndpoint
    from imsproof.lab.policy import PolicyBox

APPS = {"sip:alice@ims.example": ("whiteboard", "translate"), "sip:bob@ims.example": ("games",)}
ALICE, BOB = APPS


@dataclass
class Bench:
    """MF and DC AS, and the peers that a test opens."""

    policy: PolicyBox
    mf: MediaFunction
    dcas: DcApplicationServer
    peers: list[UePeer] = field(default_factory=list)

    async def peer(self, **offer: Any) -> tuple[UePeer, DcEndpoint]:
        """Open a UE and have the MF allocate a context for it."""
        ue = await UePeer.open()
        self.peers.append(ue)
        return ue, await self.allocate(ue, **offer)

    async def allocate(self, ue: UePeer, subscriber: str = ALICE, context: str = "", **offer: Any) -> DcEndpoint:
        """Have the MF allocate a context."""
        name = context or f"context-{len(self.mf.contexts)}"
        return await self.mf.allocate(name, ue.offer(**offer), subscriber, self.dcas.url(subscriber))


@asynccontextmanager
async def bench(**media: Any) -> AsyncIterator[Bench]:
    """Start MF and DC AS with these policy values."""
    policy, trust = box(**media), make_trust()
    apps = tuple(sorted({app for ids in APPS.values() for app in ids}))
    dcas = DcApplicationServer("127.0.0.1", policy, apps_of=subscribers_apps(APPS), all_apps=apps, tls=trust.dcas)
    found = Bench(policy, MediaFunction("127.0.0.1", policy, mdc=trust.mf), dcas)
    await dcas.start()
    try:
        yield found
    finally:
        for peer in found.peers:
            await peer.close()
        await found.mf.stop()
        await dcas.stop()


def run(test: Callable[[Bench], Awaitable[None]], **media: Any) -> None:
    """Run a test on its own bench."""

    async def inner() -> None:
        async with bench(**media) as found:
            await test(found)

    asyncio.run(inner())


def test_the_list_of_applications_comes_over_the_bootstrap_channel() -> None:
    async def test(lab: Bench) -> None:
        ue, local = await lab.peer()
        assert (local.setup, local.fingerprint) == ("passive", lab.mf.identity.sdp_fingerprint)
        assert await ue.handshake(local) == "connected"
        assert ue.dtls.peer_der is not None
        assert local.fingerprint == f"SHA-256 {fingerprint(ue.dtls.peer_der)}"
        channel = (await ue.associate()).open_channel(0, "", "http", negotiated=True)
        status, body = await get(channel)
        assert status == 200
        assert b"Whiteboard" in body
        assert b"Games" not in body
        status, body = await get(channel, Accept="application/json")
        entry = json.loads(body)["applications"][0]
        status, package = await get(channel, entry["url"])
        assert (status, package[:2], entry["id"]) == (200, b"PK", "whiteboard")
        assert lab.mf.connected == 1

    run(test)


def test_another_subscribers_application_cannot_be_guessed() -> None:
    async def test(lab: Bench) -> None:
        ue, local = await lab.peer()
        await ue.handshake(local)
        channel = (await ue.associate()).open_channel(0, negotiated=True)
        assert (await get(channel, "/packages/games.zip"))[0] == 404
        for path in ("/../bob/", "/%2e%2e/x", "//127.0.0.1/", "http://127.0.0.1/", "/a\\b", "/..", "/a/../b", "/%00"):
            assert (await get(channel, path))[0] == 400
        assert (await get(channel))[0] == 200

    run(test)


def test_every_application_is_served_when_the_dc_as_does_not_check() -> None:
    async def test(lab: Bench) -> None:
        ue, local = await lab.peer()
        await ue.handshake(local)
        channel = (await ue.associate()).open_channel(0, negotiated=True)
        assert (await get(channel, "/packages/games.zip"))[0] == 200

    run(test, apps_checked=False)


def test_smuggled_and_oversized_requests_are_refused_and_the_channel_lives() -> None:
    async def test(lab: Bench) -> None:
        ue, local = await lab.peer()
        await ue.handshake(local)
        channel = (await ue.associate()).open_channel(0, negotiated=True)
        host = "Host: x\r\n"
        assert (await ask(channel, f"GET / HTTP/1.1\r\n{host}Content-Length: 1\r\nContent-Length: 2\r\n\r\n"))[0] == 400
        assert (await ask(channel, f"GET / HTTP/1.1\r\n{host}Transfer-Encoding: chunked\r\n\r\n"))[0] == 501
        assert (await ask(channel, f"GET / HTTP/1.1\r\n{host}X: {'a' * 20_000}\r\n\r\n"))[0] == 431
        assert (await ask(channel, f"POST / HTTP/1.1\r\n{host}\r\n"))[0] == 405
        assert (await get(channel))[0] == 200

    run(test)


def test_dtls_1_0_is_refused_and_taken_with_the_fault() -> None:
    old: dict[str, Any] = {"versions": ("DTLSv1", "DTLSv1"), "security_level": 0, "ciphers": b"ALL"}

    async def test(lab: Bench) -> None:
        ue, local = await lab.peer()
        assert await ue.handshake(local, **old) == "failed"
        assert ue.dtls.alerts_seen == [("protocol_version", "fatal")]
        change(lab.policy, dtls_lowest="DTLSv1", dtls_ciphers="ECDHE+AESGCM:ECDHE+AES", dtls_security_level=0)
        ue, local = await lab.peer()
        assert await ue.handshake(local, **old) == "connected"

    run(test)


@pytest.mark.parametrize("suite", ["ECDHE-ECDSA-NULL-SHA", "ECDHE-ECDSA-AES128-SHA"])
def test_a_weak_suite_is_refused_and_taken_with_the_fault(suite: str) -> None:
    weak: dict[str, Any] = {"ciphers": suite.encode(), "security_level": 0}

    async def test(lab: Bench) -> None:
        ue, local = await lab.peer()
        assert await ue.handshake(local, **weak) == "failed"
        assert ue.dtls.alerts_seen == [("handshake_failure", "fatal")]
        change(lab.policy, dtls_ciphers="ECDHE+AESGCM:ECDHE+AES:eNULL", dtls_security_level=0)
        ue, local = await lab.peer()
        assert await ue.handshake(local, **weak) == "connected"

    run(test)


def test_a_certificate_without_the_offered_fingerprint_is_refused_and_taken_with_the_fault() -> None:
    async def test(lab: Bench) -> None:
        ue, local = await lab.peer(fingerprint=OTHER.sdp_fingerprint)
        await ue.handshake(local)
        await asyncio.wait_for(_until(lambda: ue.dtls.state == "failed"), WAIT)
        assert ue.dtls.alerts_seen == [("bad_certificate", "fatal")]
        change(lab.policy, check_fingerprint=False)
        ue, local = await lab.peer(fingerprint=OTHER.sdp_fingerprint)
        await ue.handshake(local)
        channel = (await ue.associate()).open_channel(0, negotiated=True)
        assert (await get(channel))[0] == 200

    run(test)


async def _until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110 - a test looks from outside
        await asyncio.sleep(0.001)


def test_the_rightful_peer_connects_after_somebody_failed_on_its_context() -> None:
    async def test(lab: Bench) -> None:
        ue, local = await lab.peer()
        assert await ue.handshake(local, identity=OTHER, verify_peer=lambda _: False) == "failed"
        ue.settled.clear()
        assert await ue.handshake(local) == "connected"

    run(test)


def test_a_peer_without_certificate_is_refused_and_served_with_the_fault() -> None:
    async def test(lab: Bench) -> None:
        ue, local = await lab.peer()
        assert await ue.handshake(local, identity=None) == "failed"
        change(lab.policy, peer_certificate_required=False)
        ue, local = await lab.peer(fingerprint="")
        assert await ue.handshake(local, identity=None) == "connected"
        channel = (await ue.associate()).open_channel(0, negotiated=True)
        assert (await get(channel))[0] == 200

    run(test)


@pytest.mark.parametrize(
    ("offer", "reason"),
    [
        ({"fingerprint": ""}, "no fingerprint"),
        ({"fingerprint": f"SHA-1 {fingerprint(UE.der, 'sha-1')}"}, "no fingerprint with sha-256"),
        ({"setup": "holdconn"}, "holdconn"),
    ],
)
def test_an_offer_that_cannot_be_protected_is_refused_with_the_reason(offer: dict[str, str], reason: str) -> None:
    async def test(lab: Bench) -> None:
        with pytest.raises(MediaRefusedError, match=reason):
            await lab.peer(**offer)
        assert not lab.mf.contexts

    run(test)


def test_a_passive_offer_makes_the_mf_the_client() -> None:
    async def test(lab: Bench) -> None:
        ue, local = await lab.peer(setup="passive")
        assert local.setup == "active"
        assert await ue.handshake(local, "server") == "connected"

    run(test)


def test_the_first_hello_of_the_mf_in_the_active_role_is_no_cookie_request() -> None:
    async def test(lab: Bench) -> None:
        ue, _ = await lab.peer(setup="passive")
        [message] = handshakes(split_records(await ue.port.receive())[0].fragment)
        assert message.message_type not in (HELLO_VERIFY_REQUEST, 0)

    run(test)


def test_datagrams_from_another_address_are_dropped_and_taken_with_the_fault() -> None:
    async def test(lab: Bench) -> None:
        ue, local = await lab.peer()
        attacker = await Port.open()
        hello = DtlsEngine("client", OTHER)
        hello.start()
        for datagram in hello.outgoing():
            attacker.send(datagram, (local.address, local.port))
        assert await ue.handshake(local) == "connected"
        assert attacker.inbox.empty()
        assert lab.mf.contexts["context-0"].dropped == 1
        change(lab.policy, source_checked=False)
        _, local = await lab.peer()
        hello = DtlsEngine("client", OTHER)
        hello.start()
        for datagram in hello.outgoing():
            attacker.send(datagram, (local.address, local.port))
        assert await attacker.receive()
        attacker.transport.close()

    run(test)


async def _plain_get(local: DcEndpoint) -> bytes:
    reader, writer = await asyncio.open_connection(local.address, local.port)
    writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    answer = await asyncio.wait_for(reader.readuntil(b"\r\n"), WAIT)
    writer.close()
    await writer.wait_closed()
    return answer


def test_applications_are_not_served_over_tcp_but_with_the_fault() -> None:
    async def test(lab: Bench) -> None:
        _, local = await lab.peer()
        with pytest.raises(ConnectionRefusedError):
            await _plain_get(local)
        change(lab.policy, apps_over_tcp=True)
        _, local = await lab.peer()
        assert (await _plain_get(local)).startswith(b"HTTP/1.1 200")

    run(test)


def test_sctp_without_dtls_is_dropped_but_served_with_the_fault() -> None:
    async def test(lab: Bench) -> None:
        ue, local = await lab.peer()
        ue.port.send(b"\x13\x88\x13\x88" + bytes(20), (local.address, local.port))
        await asyncio.wait_for(_until(lambda: lab.mf.contexts["context-0"].dropped == 1), WAIT)
        change(lab.policy, clear_sctp_refused=False)
        ue.target = (local.address, local.port)
        channel = (await ue.associate(clear=True)).open_channel(0, negotiated=True)
        assert (await get(channel))[0] == 200

    run(test)


def test_application_channels_answer_and_unagreed_ones_are_closed() -> None:
    async def test(lab: Bench) -> None:
        ue, local = await lab.peer(streams=(0, 1000))
        await ue.handshake(local)
        engine = await ue.associate()
        app = engine.open_channel(1000, negotiated=True)
        app.send("draw")
        assert await app.recv(WAIT) == "draw"
        unagreed = engine.open_channel(2, "sneaky")
        await unagreed.opened(WAIT)
        with pytest.raises(ChannelClosedError):
            await unagreed.recv(WAIT)

    run(test)


def test_contexts_are_ended_by_release_and_their_port_is_given_back() -> None:
    async def test(lab: Bench) -> None:
        ue, local = await lab.peer()
        await ue.handshake(local)
        engine = await ue.associate()
        await lab.mf.release("context-0")
        await asyncio.wait_for(engine.ended(), WAIT)
        await lab.mf.release("context-0")
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(Port, local_addr=(local.address, local.port))
        transport.close()

    run(test)


def test_a_context_name_is_taken_once_and_an_unknown_one_cannot_be_updated() -> None:
    async def test(lab: Bench) -> None:
        ue, _ = await lab.peer()
        with pytest.raises(MediaRefusedError, match="exists already"):
            await lab.allocate(ue, context="context-0")
        with pytest.raises(MediaRefusedError, match="no context"):
            await lab.mf.update("nobody", ue.offer())

    run(test)


def test_an_update_adds_streams_or_begins_a_new_association() -> None:
    async def test(lab: Bench) -> None:
        ue, local = await lab.peer()
        await ue.handshake(local)
        engine = await ue.associate()
        assert await lab.mf.update("context-0", ue.offer(streams=(0, 1000))) == local
        app = engine.open_channel(1000, negotiated=True)
        app.send("draw")
        assert await app.recv(WAIT) == "draw"
        changed = ue.offer(tls_id="cd" * 16, fingerprint=OTHER.sdp_fingerprint)
        renewed = await lab.mf.update("context-0", changed)
        assert renewed.tls_id != local.tls_id
        assert renewed.port == local.port
        with pytest.raises(MediaRefusedError):
            await lab.mf.update("context-0", ue.offer(fingerprint="", tls_id="ef" * 16))

    run(test)


def test_two_subscribers_see_their_own_applications_only() -> None:
    async def test(lab: Bench) -> None:
        pages = []
        for subscriber in (ALICE, BOB):
            ue, local = await lab.peer(subscriber=subscriber)
            await ue.handshake(local)
            pages.append((await get((await ue.associate()).open_channel(0, negotiated=True)))[1])
        assert b"Games" not in pages[0]
        assert b"Games" in pages[1]
        assert b"Whiteboard" not in pages[1]

    run(test)
