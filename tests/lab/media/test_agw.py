"""The IMS-AGW over real sockets: a UE on the access leg, a peer in the core."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from tests.lab.media.support import OTHER, UE, Port, box, change

from imsproof.codec.rtp import Packets, RtpPacket, classify
from imsproof.codec.sdp import Crypto, Fingerprint, Sdp, audio_offer, audio_section, data_channel_section, description
from imsproof.engine.dtls import DtlsEngine
from imsproof.engine.srtp import SrtpContext, format_inline, inline_master, suite
from imsproof.lab.media.agw import AccessGateway
from imsproof.lab.media.errors import MediaRefusedError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from imsproof.codec.sdp import MediaSection
    from imsproof.engine.identity import Identity
    from imsproof.lab.policy import PolicyBox

HERE = "127.0.0.1"
GCM = suite("AEAD_AES_128_GCM")
UE_KEY = bytes(range(28))
PACKET = RtpPacket(0, 7, 160, 0xABC, b"voice" * 10).to_bytes()


@dataclass
class Bench:
    """The gateway, a UE's media port and a core peer's."""

    policy: PolicyBox
    agw: AccessGateway
    ue: Port
    core: Port

    def sdes_offer(self, key: bytes = UE_KEY) -> bytes:
        """The UE's offer of SDES-protected audio, and of a data channel that must pass untouched."""
        inline = format_inline(key).removeprefix("inline:")
        audio = audio_section(
            self.ue.number,
            proto="RTP/SAVP",
            crypto=[Crypto(1, "NULL_SUITE", inline), Crypto(2, GCM.sdes, inline)],
            attributes=["3ge2ae:requested"],
        )
        channel = data_channel_section(4000, fingerprints=[Fingerprint("SHA-256", OTHER.sha256)])
        return description(HERE, [audio, channel]).to_bytes()

    def dtls_offer(self, identity: Identity = UE) -> bytes:
        """The UE's offer of DTLS-SRTP."""
        audio = audio_section(
            self.ue.number,
            proto="UDP/TLS/RTP/SAVP",
            fingerprints=[Fingerprint("SHA-256", identity.sha256)],
            setup="actpass",
            tls_id="ab" * 16,
        )
        return description(HERE, [audio]).to_bytes()

    def core_answer(self, media: int = 1) -> bytes:
        """The core's answer of plain audio (and a refused data channel)."""
        found = audio_offer(HERE, self.core.number)
        if media > 1:
            found.media.append(data_channel_section(0, fingerprints=[]))
        return found.to_bytes()

    async def call(self, offer: bytes, call_id: str = "call-1") -> tuple[MediaSection, MediaSection]:
        """Offer and answer; return the core's and the access side's audio line."""
        core = Sdp.parse(await self.agw.offer_from_access(call_id, offer))
        answer = Sdp.parse(await self.agw.answer_to_access(call_id, self.core_answer(len(core.media))))
        return core.media[0], answer.media[0]


def run(test: Callable[[Bench], Awaitable[None]], **media: Any) -> None:
    """Run a test on its own bench."""

    @asynccontextmanager
    async def bench() -> AsyncIterator[Bench]:
        policy = box(**media)
        found = Bench(policy, AccessGateway(HERE, policy), await Port.open(), await Port.open())
        try:
            yield found
        finally:
            await found.agw.stop()
            found.ue.transport.close()
            found.core.transport.close()

    async def inner() -> None:
        async with bench() as found:
            await test(found)

    asyncio.run(inner())


def master_of(media: MediaSection) -> bytes:
    crypto = Crypto.parse(media.attr("crypto") or "")
    return inline_master(suite(crypto.suite), crypto.key_b64)


def test_the_core_sees_plain_audio_at_the_gateway_and_the_data_channel_untouched() -> None:
    async def test(lab: Bench) -> None:
        offer = lab.sdes_offer()
        core = Sdp.parse(await lab.agw.offer_from_access("call-1", offer))
        audio, channel = core.media
        assert audio.proto == "RTP/AVP"
        assert audio.port not in (0, lab.ue.number)
        assert [audio.attr(name) for name in ("crypto", "3ge2ae", "fingerprint", "setup")] == [None] * 4
        assert [line.raw for line in channel.lines] == [line.raw for line in Sdp.parse(offer).media[1].lines]

    run(test)


def test_srtp_on_the_access_leg_is_plain_rtp_in_the_core_and_back() -> None:
    async def test(lab: Bench) -> None:
        core, access = await lab.call(lab.sdes_offer())
        crypto = Crypto.parse(access.attr("crypto") or "")
        assert (access.proto, crypto.tag, crypto.suite) == ("RTP/SAVP", 2, GCM.sdes)
        lab.ue.send(SrtpContext(GCM.sdes, UE_KEY).protect(PACKET), (HERE, access.port))
        assert await lab.core.receive() == PACKET
        lab.core.send(PACKET, (HERE, core.port))
        protected = await lab.ue.receive()
        assert protected != PACKET
        assert SrtpContext(GCM.sdes, master_of(access)).unprotect(protected) == PACKET

    run(test)


def test_sdes_keys_differ_between_calls_and_directions_but_for_the_faults() -> None:
    async def test(lab: Bench) -> None:
        async def key(call_id: str) -> bytes:
            return master_of((await lab.call(lab.sdes_offer(), call_id))[1])

        first, second = await key("a"), await key("b")
        assert len({first, second, UE_KEY}) == 3
        change(lab.policy, srtp_key_per_call=False)
        assert await key("c") == await key("d")
        change(lab.policy, srtp_key_per_direction=False)
        assert await key("e") == UE_KEY

    run(test)


def test_plain_replayed_and_foreign_packets_are_dropped() -> None:
    async def test(lab: Bench) -> None:
        _, access = await lab.call(lab.sdes_offer())
        target = (HERE, access.port)
        sender = SrtpContext(GCM.sdes, UE_KEY)
        first, last = sender.protect(PACKET), sender.protect(RtpPacket.parse(PACKET).following(b"last").to_bytes())
        stranger = await Port.open()
        lab.ue.send(PACKET, target)
        lab.ue.send(first, target)
        lab.ue.send(first, target)
        stranger.send(last, target)
        [relay] = lab.agw.relays
        while relay.dropped < 3:  # noqa: ASYNC110 - a test looks from outside
            await asyncio.sleep(0.001)
        lab.ue.send(last, target)
        assert [await lab.core.receive() for _ in range(2)] == [
            PACKET,
            RtpPacket.parse(PACKET).following(b"last").to_bytes(),
        ]
        assert relay.dropped == 3
        stranger.transport.close()

    run(test)


async def dtls(lab: Bench, target: tuple[str, int], identity: Identity = UE) -> DtlsEngine:
    """Do the UE's handshake with the gateway."""
    engine = DtlsEngine("client", identity, srtp_profiles=("SRTP_AEAD_AES_128_GCM",))
    engine.start()
    while engine.state == "handshaking":
        for datagram in engine.outgoing():
            lab.ue.send(datagram, target)
        engine.receive(await lab.ue.receive())
    for datagram in engine.outgoing():
        lab.ue.send(datagram, target)
    return engine


def test_dtls_srtp_protects_the_access_leg_and_plain_rtp_is_not_taken() -> None:
    async def test(lab: Bench) -> None:
        core, access = await lab.call(lab.dtls_offer())
        assert access.proto == "UDP/TLS/RTP/SAVP"
        assert access.attr("setup") == "passive"
        assert access.attr("fingerprint") == lab.agw.identity.sdp_fingerprint
        target = (HERE, access.port)
        lab.ue.send(PACKET, target)
        engine = await dtls(lab, target)
        keys = engine.export_srtp_keys()
        lab.ue.send(PACKET, target)
        lab.ue.send(SrtpContext(keys.profile, keys.local).protect(PACKET), target)
        assert await lab.core.receive() == PACKET
        assert lab.core.inbox.empty()
        assert lab.agw.relays[0].dropped == 2
        lab.core.send(PACKET, (HERE, core.port))
        assert SrtpContext(keys.profile, keys.remote).unprotect(await lab.ue.receive()) == PACKET

    run(test)


def test_plain_rtp_is_relayed_with_the_fault() -> None:
    async def test(lab: Bench) -> None:
        _, access = await lab.call(lab.dtls_offer())
        lab.ue.send(PACKET, (HERE, access.port))
        assert await lab.core.receive() == PACKET

    run(test, srtp_required=False)


def test_a_certificate_without_the_offered_fingerprint_is_refused_and_taken_with_the_fault() -> None:
    async def test(lab: Bench) -> None:
        _, access = await lab.call(lab.dtls_offer(OTHER))
        engine = await dtls(lab, (HERE, access.port))
        if engine.state == "connected":  # the alert comes after the client's last flight
            engine.receive(await lab.ue.receive())
        assert engine.alerts_seen == [("bad_certificate", "fatal")]
        change(lab.policy, srtp_check_fingerprint=False)
        _, access = await lab.call(lab.dtls_offer(OTHER), "call-2")
        assert (await dtls(lab, (HERE, access.port))).state == "connected"

    run(test)


@pytest.mark.parametrize("wrong", ["crypto", "fingerprint"])
def test_an_offer_that_cannot_be_protected_is_refused_and_leaves_no_port(wrong: str) -> None:
    async def test(lab: Bench) -> None:
        proto = "RTP/SAVP" if wrong == "crypto" else "UDP/TLS/RTP/SAVP"
        offer = description(HERE, [audio_section(4000, proto=proto)]).to_bytes()
        with pytest.raises(MediaRefusedError, match=wrong):
            await lab.agw.offer_from_access("call-1", offer)
        assert lab.agw.relays == []

    run(test)


def test_the_terminating_ue_is_offered_sdes_and_its_answer_is_plain_in_the_core() -> None:
    async def test(lab: Bench) -> None:
        offered = Sdp.parse(await lab.agw.offer_to_access("call-1", lab.core_answer())).media[0]
        assert (offered.proto, offered.attr("3ge2ae")) == ("RTP/SAVP", "applied")
        lines = [Crypto.parse(line) for line in offered.attrs("crypto")]
        assert len({line.key_b64 for line in lines}) == 2
        inline = format_inline(UE_KEY).removeprefix("inline:")
        answer = audio_section(lab.ue.number, proto="RTP/SAVP", crypto=[Crypto(1, lines[0].suite, inline)])
        core = Sdp.parse(await lab.agw.answer_from_access("call-1", description(HERE, [answer]).to_bytes())).media[0]
        assert (core.proto, core.attr("crypto")) == ("RTP/AVP", None)
        lab.core.send(PACKET, (HERE, core.port))
        ours = inline_master(GCM, lines[0].key_b64)
        assert SrtpContext(GCM.sdes, ours).unprotect(await lab.ue.receive()) == PACKET
        lab.ue.send(SrtpContext(GCM.sdes, UE_KEY).protect(PACKET), (HERE, offered.port))
        assert await lab.core.receive() == PACKET

    run(test)


def test_an_answer_with_a_tag_that_was_not_offered_is_refused() -> None:
    async def test(lab: Bench) -> None:
        await lab.agw.offer_to_access("call-1", lab.core_answer())
        inline = format_inline(UE_KEY).removeprefix("inline:")
        answer = audio_section(lab.ue.number, proto="RTP/SAVP", crypto=[Crypto(9, GCM.sdes, inline)])
        with pytest.raises(MediaRefusedError, match="crypto line cannot be used"):
            await lab.agw.answer_from_access("call-1", description(HERE, [answer]).to_bytes())

    run(test)


def test_the_terminating_ue_can_be_offered_dtls_srtp() -> None:
    async def test(lab: Bench) -> None:
        offered = Sdp.parse(await lab.agw.offer_to_access("call-1", lab.core_answer(), "dtls")).media[0]
        assert (offered.proto, offered.attr("setup")) == ("UDP/TLS/RTP/SAVP", "actpass")
        answer = Sdp.parse(lab.dtls_offer())
        answer.media[0].set_attr("setup", "active")
        core = Sdp.parse(await lab.agw.answer_from_access("call-1", answer.to_bytes())).media[0]
        keys = (await dtls(lab, (HERE, offered.port))).export_srtp_keys()
        lab.ue.send(SrtpContext(keys.profile, keys.local).protect(PACKET), (HERE, offered.port))
        assert await lab.core.receive() == PACKET
        assert core.attr("fingerprint") is None

    run(test)


def test_rtcp_on_the_media_port_is_carried_too() -> None:
    report = bytes.fromhex("80c90001 00000abc")

    async def test(lab: Bench) -> None:
        core, access = await lab.call(lab.sdes_offer())
        lab.ue.send(SrtpContext(GCM.sdes, UE_KEY).protect_rtcp(report), (HERE, access.port))
        assert await lab.core.receive() == report
        lab.core.send(report, (HERE, core.port))
        protected = await lab.ue.receive()
        assert classify(protected) is Packets.RTCP
        assert SrtpContext(GCM.sdes, master_of(access)).unprotect_rtcp(protected) == report

    run(test)


def test_release_gives_the_ports_back() -> None:
    async def test(lab: Bench) -> None:
        _, access = await lab.call(lab.sdes_offer())
        await lab.agw.release("call-1")
        await lab.agw.release("call-1")
        assert lab.agw.relays == []
        await asyncio.sleep(0)  # asyncio closes a socket on the loop's next round
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(Port, local_addr=(HERE, access.port))
        transport.close()

    run(test)
