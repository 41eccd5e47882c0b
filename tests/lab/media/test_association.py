"""One media context of the MF: roles, sources, channels, updates."""

from __future__ import annotations

import pytest
from tests.lab.media.support import OTHER, WAIT, Bench, Port, change, get, run, until

from imsproof.codec.dtls import HELLO_VERIFY_REQUEST, handshakes, split_records
from imsproof.engine.dtls import DtlsEngine
from imsproof.engine.sctp import ChannelClosedError
from imsproof.lab.media.errors import MediaRefusedError


def test_the_rightful_peer_connects_after_somebody_failed_on_its_context() -> None:
    async def test(lab: Bench) -> None:
        ue, local = await lab.peer()
        assert await ue.handshake(local, identity=OTHER, verify_peer=lambda _: False) == "failed"
        ue.settled.clear()
        assert await ue.handshake(local) == "connected"

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


def test_sctp_without_dtls_is_dropped_but_served_with_the_fault() -> None:
    async def test(lab: Bench) -> None:
        ue, local = await lab.peer()
        ue.port.send(b"\x13\x88\x13\x88" + bytes(20), (local.address, local.port))
        await until(lambda: lab.mf.contexts["context-0"].dropped == 1)
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
