"""The MF over real sockets, with a DC AS behind it: right, and with planted faults."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
from tests.lab.media.support import ALICE, BOB, OTHER, UE, WAIT, Bench, Port, change, get, run, until

from imsproof.engine.identity import fingerprint
from imsproof.lab.media.errors import MediaRefusedError

if TYPE_CHECKING:
    from imsproof.lab.dctypes import DcEndpoint


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
        await until(lambda: ue.dtls.state == "failed")
        assert ue.dtls.alerts_seen == [("bad_certificate", "fatal")]
        change(lab.policy, check_fingerprint=False)
        ue, local = await lab.peer(fingerprint=OTHER.sdp_fingerprint)
        await ue.handshake(local)
        channel = (await ue.associate()).open_channel(0, negotiated=True)
        assert (await get(channel))[0] == 200

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
