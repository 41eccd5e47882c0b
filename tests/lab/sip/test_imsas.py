"""The IMS AS: what is anchored, what goes end to end, and who may use data channels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from imsproof.codec import sdp, sip
from imsproof.lab.dctypes import DcDecision

if TYPE_CHECKING:
    from collections.abc import Callable

    Drive = Callable[..., None]
    Lab = Any

OURS = sdp.Fingerprint("SHA-256", ":".join(["A1"] * 32))
THEIRS = sdp.Fingerprint("SHA-256", ":".join(["B2"] * 32))
MF = ":".join(["5E"] * 32)
APPLICATION = sdp.Dcmap(1000, {"label": "chess", "subprotocol": "game"})


def offer(*sections: sdp.MediaSection) -> bytes:
    return sdp.description("127.0.0.1", sections).to_bytes()


def bootstrap() -> sdp.MediaSection:
    return sdp.data_channel_section(5001, fingerprints=[OURS], tls_id="a" * 20)


def application() -> sdp.MediaSection:
    section = sdp.data_channel_section(5002, fingerprints=[OURS], tls_id="b" * 20, dcmaps=[APPLICATION])
    section.add_attr("3gpp-req-app", "whiteboard")
    return section


def media(message: sip.Message) -> list[sdp.MediaSection]:
    return sdp.Sdp.parse(message.body).media


def test_the_bootstrap_channel_is_answered_by_the_mf_and_hidden_from_the_far_side(drive: Drive) -> None:
    async def work(lab: Lab) -> None:
        caller, called = await lab.registered(1, 2)
        invite = caller.invite(called.impu, offer(sdp.audio_section(4000), bootstrap()))
        caller.send(invite)
        arrived = await called.request()
        assert [section.kind for section in media(arrived)] == ["audio"]
        called.ok(arrived, offer(sdp.audio_section(4002)))
        answer = await caller.answer()
        audio, channel = media(answer)
        assert (audio.port, channel.port, channel.connection) == (4002, 40000, "127.0.0.9")
        assert sdp.Fingerprint.parse(channel.attr("fingerprint") or "").value == MF
        assert (channel.attr("setup"), channel.attr("tls-id"), channel.attr("sctp-port")) == (
            "passive",
            "m" * 20,
            "5000",
        )
        assert channel.dcmaps == [sdp.BOOTSTRAP]
        (asked,) = lab.control.asked
        assert asked[0] == "request"
        assert asked[2:4] == (caller.impu, called.impu)
        assert (asked[4].port, asked[4].fingerprint, asked[4].streams) == (5001, str(OURS), (0,))
        caller.send(caller.in_dialog("ACK", invite, answer))
        assert (await called.request()).method == "ACK"
        caller.send(caller.in_dialog("INVITE", invite, answer, offer(sdp.audio_section(4000), bootstrap())))
        again = await called.request()
        assert len(media(again)) == 1
        called.ok(again, offer(sdp.audio_section(4002)))
        assert [section.port for section in media(await caller.answer())] == [4002, 40000]
        assert [asked[0] for asked in lab.control.asked] == ["request", "update"]
        caller.send(caller.in_dialog("BYE", invite, answer))
        called.send(sip.response(await called.request(), 200))
        assert (await caller.answer()).status == 200
        assert lab.control.ended == [invite.get("Call-ID")]

    drive(work)


def test_a_lone_bootstrap_channel_reaches_the_far_side_as_a_refused_line(drive: Drive) -> None:
    async def work(lab: Lab) -> None:
        (caller,) = await lab.registered(1)
        answer = await caller.ask(caller.invite("sip:far@ims.example", offer(bootstrap())))
        assert answer.status == 200
        assert [section.port for section in media(answer)] == [40000]

    drive(work)


def test_application_channels_go_end_to_end_bit_for_bit(drive: Drive) -> None:
    async def work(lab: Lab) -> None:
        caller, called = await lab.registered(1, 2)
        body = offer(sdp.audio_section(4000), application())
        caller.send(caller.invite(called.impu, body))
        arrived = await called.request()
        assert arrived.body == body
        reply = offer(sdp.audio_section(4002), sdp.data_channel_section(6000, fingerprints=[THEIRS], setup="passive"))
        called.ok(arrived, reply)
        assert (await caller.answer()).body == reply
        assert [asked[-1].apps for asked in lab.control.asked] == [("whiteboard",)]

    drive(work)


def test_the_planted_fault_changes_the_fingerprint_end_to_end_but_not_the_mf_s(drive: Drive) -> None:
    async def work(lab: Lab) -> None:
        caller, called = await lab.registered(1, 2)
        lab.plant(keep_fingerprint=False)
        caller.send(caller.invite(called.impu, offer(bootstrap(), application())))
        arrived = await called.request()
        assert str(OURS).encode() not in arrived.body
        called.ok(arrived, offer(sdp.data_channel_section(6000, fingerprints=[THEIRS], setup="passive")))
        first, second = media(await caller.answer())
        assert sdp.Fingerprint.parse(first.attr("fingerprint") or "").value == MF
        assert sdp.Fingerprint.parse(second.attr("fingerprint") or "") != THEIRS

    drive(work)


def test_who_is_not_subscribed_gets_no_data_channel(drive: Drive) -> None:
    async def work(lab: Lab) -> None:
        caller, called = await lab.registered(7, 2)
        body = offer(sdp.audio_section(4000), bootstrap(), application())
        caller.send(caller.invite(called.impu, body))
        arrived = await called.request()
        assert [section.kind for section in media(arrived)] == ["audio"]
        called.ok(arrived, offer(sdp.audio_section(4002)))
        assert [section.port for section in media(await caller.answer())] == [4002, 0, 0]
        assert lab.control.asked == []
        lab.plant(check_data_channel_service=False)
        caller.send(caller.invite(called.impu, body))
        assert len(media(await called.request())) == 2

    drive(work)


def test_reject_is_488_and_the_session_is_given_back(drive: Drive) -> None:
    async def work(lab: Lab) -> None:
        caller, called = await lab.registered(1, 2)
        lab.control.decision = DcDecision("reject")
        answer = await caller.ask(caller.invite(called.impu, offer(sdp.audio_section(4000), bootstrap())))
        assert answer.status == 488
        assert called.requests.empty()

    drive(work)


def test_pass_leaves_the_bootstrap_channel_to_the_far_side(drive: Drive) -> None:
    async def work(lab: Lab) -> None:
        caller, called = await lab.registered(1, 2)
        lab.control.decision = DcDecision("pass")
        body = offer(sdp.audio_section(4000), bootstrap())
        caller.send(caller.invite(called.impu, body))
        assert (await called.request()).body == body

    drive(work)


@pytest.mark.parametrize("missing", ["fingerprint", "setup"])
def test_a_bootstrap_offer_without_fingerprint_or_setup_is_refused(drive: Drive, missing: str) -> None:
    async def work(lab: Lab) -> None:
        caller, called = await lab.registered(1, 2)
        section = bootstrap()
        section.remove_attr(missing)
        assert (await caller.ask(caller.invite(called.impu, offer(section)))).status == 488

    drive(work)


def test_a_failed_call_gives_the_session_back(drive: Drive) -> None:
    async def work(lab: Lab) -> None:
        caller, called = await lab.registered(1, 2)
        invite = caller.invite(called.impu, offer(sdp.audio_section(4000), bootstrap()))
        caller.send(invite)
        called.send(sip.response(await called.request(), 486, to_tag="b"))
        assert (await caller.answer()).status == 486
        assert lab.control.ended == [invite.get("Call-ID")]

    drive(work)


def test_core_nodes_refuse_outsiders(drive: Drive) -> None:
    async def work(lab: Lab) -> None:
        ue = await lab.ue(1)
        for node in (lab.scscf, lab.imsas):
            ue.send(ue.invite("sip:far@ims.example"), node)
            assert (await ue.answer()).status == 403

    drive(work)


def test_an_application_channel_needs_a_name(drive: Drive) -> None:
    async def work(lab: Lab) -> None:
        caller, called = await lab.registered(1, 2)
        unbound = application()
        unbound.remove_attr("3gpp-req-app")
        caller.send(caller.invite(called.impu, offer(sdp.audio_section(4000), unbound)))
        assert [section.kind for section in media(await called.request())] == ["audio"]
        lab.plant(app_binding_required=False, check_requested_app=False)
        caller.send(caller.invite(called.impu, offer(sdp.audio_section(4000), unbound)))
        assert len(media(await called.request())) == 2

    drive(work)


def test_of_two_bootstrap_lines_the_second_is_refused(drive: Drive) -> None:
    async def work(lab: Lab) -> None:
        caller, called = await lab.registered(1, 2)
        caller.send(caller.invite(called.impu, offer(sdp.audio_section(4000), bootstrap(), bootstrap())))
        called.ok(await called.request(), offer(sdp.audio_section(4002)))
        assert [section.port > 0 for section in media(await caller.answer())] == [True, True, False]

    drive(work)


def test_what_a_user_holds_ends_with_its_registration(drive: Drive) -> None:
    async def work(lab: Lab) -> None:
        caller, called = await lab.registered(1, 2)
        invite = caller.invite(called.impu, offer(sdp.audio_section(4000), bootstrap()))
        caller.send(invite)
        called.ok(await called.request(), offer(sdp.audio_section(4002)))
        await caller.answer()
        await lab.nodes.imsas.deregistered((called.impu,))
        assert lab.control.ended == []
        await lab.nodes.imsas.deregistered((caller.impu,))
        assert lab.control.ended == [invite.get("Call-ID")]

    drive(work)
