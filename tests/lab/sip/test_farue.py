"""The far UE takes calls, with its own fingerprint, and lets go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from imsproof.codec import sdp
from imsproof.lab.sip import farue

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    Drive = Callable[..., None]
    Lab = Any

OURS = sdp.Fingerprint("SHA-256", ":".join(["A1"] * 32))


def test_it_answers_audio_and_an_end_to_end_channel_with_its_own_fingerprint(drive: Drive) -> None:
    async def work(lab: Lab) -> None:
        (caller,) = await lab.registered(1)
        channel = sdp.data_channel_section(5002, fingerprints=[OURS], dcmaps=[sdp.Dcmap(1000, {"label": "x"})])
        channel.add_attr("3gpp-req-app", "whiteboard")
        body = sdp.description("127.0.0.1", [sdp.audio_section(4000), channel]).to_bytes()
        invite = caller.invite("tel:+49301000090", body)
        answer = await caller.ask(invite)
        assert answer.status == 200
        audio, data = sdp.Sdp.parse(answer.body).media
        assert audio.port > 0
        assert data.attr("setup") == "passive"
        assert sdp.Fingerprint.parse(data.attr("fingerprint") or "").value == lab.nodes.far_ue.identity.sha256
        caller.send(caller.in_dialog("ACK", invite, answer))
        assert (await caller.ask(caller.in_dialog("BYE", invite, answer))).status == 200
        assert (await caller.ask(caller.in_dialog("BYE", invite, answer))).status == 481

    drive(work)


def test_a_call_that_is_not_acknowledged_is_answered_again(drive: Drive) -> None:
    async def work(lab: Lab) -> None:
        (caller,) = await lab.registered(1)
        first = await caller.ask(caller.invite("sip:far@ims.example"))
        again = await caller.answer()
        assert (first.status, first.body) == (again.status, again.body)

    drive(work)


def test_calls_that_were_left_standing_keep_nobody_out(drive: Drive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(farue, "MAX_CALLS", 1)
    monkeypatch.setattr(farue, "RESEND_SECONDS", (0.05,))

    async def work(lab: Lab) -> None:
        (caller,) = await lab.registered(1)
        for _ in range(3):
            assert (await caller.ask(caller.invite("sip:far@ims.example"))).status == 200
            assert (await caller.answer()).status == 200

    drive(work)


def test_what_it_cannot_take_is_refused(drive: Drive) -> None:
    async def work(lab: Lab) -> None:
        (caller,) = await lab.registered(1)
        section = sdp.data_channel_section(5002, fingerprints=[], dcmaps=[sdp.Dcmap(1000)])
        section.add_attr("3gpp-req-app", "whiteboard")
        body = sdp.description("127.0.0.1", [section]).to_bytes()
        assert (await caller.ask(caller.invite("sip:far@ims.example", body))).status == 488

    drive(work)


def test_a_message_and_options_reach_it(drive: Drive) -> None:
    async def work(lab: Lab) -> None:
        (caller,) = await lab.registered(1)
        for method in ("MESSAGE", "OPTIONS"):
            assert (await caller.ask(caller.write(method, "sip:far@ims.example"))).status == 200

    drive(work)
