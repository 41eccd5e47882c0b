"""The chain of TS 23.228 AC.7.1 over real connections: notify, be instructed, get a token, reserve at the MF."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from imsproof.lab import nodes
from imsproof.lab.dctypes import DcDecision, DcEndpoint, DcOffer
from imsproof.lab.sbi.cca import HEADER, make_assertion
from imsproof.lab.sbi.dcsf import MEDIA_CONTROL

ALICE, BOB = "sip:alice@ims.example", "sip:bob@ims.example"
OFFER = DcOffer("127.0.0.1", 4000, "SHA-256 " + ":".join(["4A"] * 32), "actpass", "t" * 20, 5000, 1024, (0, 100))
INSTRUCTION = {"mediaId": "dc", "mediaResourceType": "DC", "mediaInstruction": "TERMINATE_MEDIA"}


def decide(lab: Any, session: str = "call-1", calling: str = ALICE, **changes: Any) -> DcDecision:
    offer = dataclasses.replace(OFFER, **changes)
    decision: DcDecision = lab.run(lab.imsas.session_request(session, calling, BOB, offer))
    return decision


def test_a_bootstrap_channel_is_anchored_at_the_mf(lab: Any) -> None:
    decision = decide(lab)
    assert decision == DcDecision(
        "anchor",
        DcEndpoint(f"{lab.prefix}.50", 5000, "SHA-256 " + ":".join(["AB"] * 32), "passive", "f" * 32, 5000, 65536),
    )
    ((remote, subscriber, url),) = lab.media.held.values()
    assert dataclasses.replace(remote, far_apps="") == OFFER
    assert remote.far_apps.endswith("/apps/sip:bob@ims.example/")  # stream 100 is the remote side's
    assert (subscriber, url) == (ALICE, f"https://{lab.prefix}.60:8080/apps/{ALICE}/")


def test_application_channels_pass_end_to_end(lab: Any) -> None:
    assert decide(lab, streams=(1000, 1002)) == DcDecision("pass")
    assert lab.media.held == {}


def test_a_user_without_the_service_is_rejected(lab: Any) -> None:
    assert decide(lab, calling="sip:mallory@ims.example") == DcDecision("reject")
    assert decide(lab, "call-2", streams=()) == DcDecision("reject")


def test_an_update_keeps_the_context_and_moves_the_remote_end(lab: Any) -> None:
    decide(lab)
    offer = dataclasses.replace(OFFER, port=4002, setup="active", max_message_size=2048)
    decision = lab.run(lab.imsas.session_update("call-1", ALICE, BOB, offer))
    assert decision.kind == "anchor"
    ((remote, _, _),) = lab.media.held.values()
    assert dataclasses.replace(remote, streams=offer.streams, far_apps="") == offer


def test_the_end_of_the_session_releases_the_context(lab: Any) -> None:
    decide(lab)
    lab.run(lab.imsas.session_ended("call-1"))
    lab.run(lab.imsas.session_ended("call-1"))
    assert (lab.media.held, lab.imsas.sessions) == ({}, 0)


def test_a_failing_mf_rejects_and_says_why(lab: Any, capsys: pytest.CaptureFixture[str]) -> None:
    lab.media.refuse = "no port is left"
    assert decide(lab) == DcDecision("reject")
    assert "no port is left" in capsys.readouterr().err


# --- Nimsas_MediaControl ----------------------------------------------------------------------------------------


def instruct(lab: Any, session: str, *, value: Any = None, **request: Any) -> int:
    body = {"sessionId": session, "mediaInstructionSet": {"dc": INSTRUCTION}} if value is None else value
    request.setdefault("identity", "tester-dcsf")
    token = lab.bearer(aud="IMS_AS", scope=MEDIA_CONTROL, sub=nodes.TESTER_DCSF.instance_id)
    request.setdefault("headers", {**token, HEADER: make_assertion(nodes.TESTER_DCSF, lab.pki, "IMS_AS")})
    path = f"/nimsas-mc/v1/call-sessions/{session}/media-instruction"
    status: int = lab.request(nodes.IMS_AS, "POST", path, json=body, **request).status_code
    return status


def test_an_instruction_needs_a_token_for_this_service(lab: Any) -> None:
    sub = nodes.TESTER_DCSF.instance_id
    assert instruct(lab, "x", headers={}) == 401
    assert instruct(lab, "x", headers=lab.bearer(sub=sub)) == 401
    assert instruct(lab, "x", headers=lab.bearer(aud="IMS_AS", sub=sub)) == 403
    assert instruct(lab, "x", headers=lab.bearer(aud="IMS_AS", sub=sub, scope="nimsas-mc")) == 403
    assert instruct(lab, "x", headers=lab.bearer(aud="IMS_AS", sub=sub, scope=MEDIA_CONTROL)) == 403
    assert instruct(lab, "x") == 404


def test_another_dcsf_cannot_instruct_a_session(lab: Any) -> None:
    decide(lab)
    (session,) = lab.imsas._sessions.values()
    assert instruct(lab, session.sbi_id) == 403


@pytest.mark.parametrize(
    "value",
    [
        [],
        {},
        {"sessionId": "s", "mediaInstructionSet": {}},
        {"sessionId": "other", "mediaInstructionSet": {"dc": INSTRUCTION}},
        {"sessionId": "s", "mediaInstructionSet": {"dc": {**INSTRUCTION, "mediaInstruction": "EXPLODE"}}},
        {"sessionId": "s", "mediaInstructionSet": {"dc": 1}},
    ],
)
def test_an_instruction_that_is_not_right_is_refused(lab: Any, value: Any) -> None:
    assert instruct(lab, "s", value=value) == 400
