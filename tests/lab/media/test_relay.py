"""One stream through the gateway, without SDP."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from tests.lab.media.support import OTHER, Port, box, until

from imsproof.codec.rtp import RtpPacket
from imsproof.engine.srtp import SrtpContext
from imsproof.lab.media.relay import AudioRelay, SdesProtection

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

HERE = "127.0.0.1"
SUITE = "AES_CM_128_HMAC_SHA1_80"
PACKET = RtpPacket(0, 7, 160, 0xABC, b"voice").to_bytes()


def run(test: Callable[[AudioRelay, Port, Port], Awaitable[None]], **media: Any) -> None:
    """Run a test with a relay between two ports."""

    async def inner() -> None:
        relay, ue, core = AudioRelay(box(**media), OTHER), await Port.open(), await Port.open()
        await relay.open(HERE)
        relay.access_remote, relay.core_remote = (HERE, ue.number), (HERE, core.number)
        try:
            await test(relay, ue, core)
        finally:
            relay.close()
            ue.transport.close()
            core.transport.close()

    asyncio.run(inner())


def test_nothing_passes_before_there_are_keys() -> None:
    async def test(relay: AudioRelay, ue: Port, core: Port) -> None:
        ue.send(PACKET, (HERE, relay.access_port))
        core.send(PACKET, (HERE, relay.core_port))
        await until(lambda: relay.dropped == 2)
        assert relay.relayed == 0

    run(test)


def test_each_direction_uses_its_own_key() -> None:
    async def test(relay: AudioRelay, ue: Port, core: Port) -> None:
        theirs, ours = bytes(30), bytes(range(30))
        relay.protection = SdesProtection(SrtpContext(SUITE, theirs), SrtpContext(SUITE, ours))
        ue.send(SrtpContext(SUITE, theirs).protect(PACKET), (HERE, relay.access_port))
        assert await core.receive() == PACKET
        core.send(PACKET, (HERE, relay.core_port))
        assert SrtpContext(SUITE, ours).unprotect(await ue.receive()) == PACKET
        core.send(b"not rtp", (HERE, relay.core_port))
        await until(lambda: relay.dropped == 1)

    run(test)


def test_other_sources_are_taken_only_with_the_fault() -> None:
    async def test(relay: AudioRelay, ue: Port, core: Port) -> None:
        relay.protection = SdesProtection(SrtpContext(SUITE, bytes(30)))
        stranger = await Port.open()
        stranger.send(SrtpContext(SUITE, bytes(30)).protect(PACKET), (HERE, relay.access_port))
        assert await core.receive() == PACKET
        stranger.transport.close()

    run(test, srtp_source_checked=False)


def test_dtls_on_a_leg_without_dtls_is_dropped_in_silence() -> None:
    async def test(relay: AudioRelay, ue: Port, core: Port) -> None:
        ue.send(b"\x16\xfe\xfd" + bytes(10), (HERE, relay.access_port))
        ue.send(PACKET, (HERE, relay.access_port))
        await until(lambda: relay.dropped == 1)
        assert ue.inbox.empty()

    run(test)
