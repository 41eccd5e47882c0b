"""The far UE's audio."""

from __future__ import annotations

import asyncio

from tests.lab.media.support import Port

from imsproof.codec.rtp import RtpPacket
from imsproof.lab.media.echo import RtpEcho


def test_rtp_comes_back_from_another_source_and_the_rest_is_dropped() -> None:
    async def inner() -> None:
        echo, ue = await RtpEcho.open("127.0.0.1"), await Port.open()
        target = ("127.0.0.1", echo.port)
        for other in (b"", b"\x80", b"\x90\x00" + bytes(10), b"INVITE"):
            ue.send(other, target)
        sent = RtpPacket(0, 1, 160, 0xABC, b"voice")
        ue.send(sent.to_bytes(), target)
        back = RtpPacket.parse(await ue.receive())
        assert (back.payload, back.sequence, back.timestamp) == (sent.payload, 1, 160)
        assert back.ssrc != sent.ssrc
        assert echo.received == 1
        echo.close()
        ue.transport.close()

    asyncio.run(inner())
