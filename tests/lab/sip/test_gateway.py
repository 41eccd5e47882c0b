"""Protected audio goes through the IMS-AGW; plain audio and data channels do not."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pytest

from imsproof.codec import sdp
from imsproof.lab.media.agw import AccessGateway

if TYPE_CHECKING:
    from collections.abc import Callable

    Drive = Callable[..., None]
    Lab = Any

KEY = sdp.Crypto(1, "AES_CM_128_HMAC_SHA1_80", base64.b64encode(bytes(range(30))).decode())


def test_audio_with_sdes_is_answered_by_the_gateway_with_its_own_key(drive: Drive) -> None:
    async def work(lab: Lab) -> None:
        caller, called = await lab.registered(1, 2)
        section = sdp.audio_section(4000, proto="RTP/SAVP", crypto=[KEY], attributes=["3ge2ae:requested"])
        invite = caller.invite(called.impu, sdp.description("127.0.0.1", [section]).to_bytes())
        caller.send(invite)
        arrived = await called.request()
        inside = sdp.Sdp.parse(arrived.body)
        assert inside.media[0].proto == "RTP/AVP"
        assert inside.media[0].attr("crypto") is None
        assert inside.address(inside.media[0]) == f"{lab.prefix}.80"
        called.ok(arrived, sdp.description("127.0.0.1", [sdp.audio_section(4002)]).to_bytes())
        answer = await caller.answer()
        outside = sdp.Sdp.parse(answer.body)
        assert outside.media[0].proto == "RTP/SAVP"
        assert outside.address(outside.media[0]) == f"{lab.prefix}.80"
        crypto = sdp.Crypto.parse(outside.media[0].attr("crypto") or "")
        assert crypto.tag == 1
        assert crypto.key_b64 != KEY.key_b64

    drive(work, agw=AccessGateway)


@pytest.mark.parametrize("crypto", [[], [sdp.Crypto(1, "UNKNOWN", "AAAA")]])
def test_protection_that_cannot_be_had_is_488(drive: Drive, crypto: list[sdp.Crypto]) -> None:
    async def work(lab: Lab) -> None:
        (caller,) = await lab.registered(1)
        body = sdp.audio_offer("127.0.0.1", 4000, proto="RTP/SAVP", crypto=crypto).to_bytes()
        assert (await caller.ask(caller.invite("sip:far@ims.example", body))).status == 488

    drive(work, agw=AccessGateway)


def test_plain_audio_passes_untouched(drive: Drive) -> None:
    async def work(lab: Lab) -> None:
        caller, called = await lab.registered(1, 2)
        body = sdp.audio_offer("127.0.0.1", 4000).to_bytes()
        caller.send(caller.invite(called.impu, body))
        assert (await called.request()).body == body

    drive(work, agw=AccessGateway)
