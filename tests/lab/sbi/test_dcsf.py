"""The DCSF takes session events from an IMS AS, without a token, and from nobody else."""

from __future__ import annotations

from typing import Any

import pytest

from imsproof.lab import nodes
from imsproof.lab.sbi.dcsf import EVENTS_PATH

EVENT = {"notificationEvent": {"eventType": "SESSION_ESTABLISHMENT_REQUEST"}, "sessionId": "s"}


def notify(lab: Any, value: Any = EVENT, identity: str = "tester-as") -> int:
    status: int = lab.request(nodes.DCSF, "POST", EVENTS_PATH, identity=identity, json=value).status_code
    return status


def test_an_ims_as_may_notify_without_a_token(lab: Any) -> None:
    """TS 33.501 clause 13.4.1.0: OAuth does not apply to notifications."""
    assert notify(lab) == 204


def test_another_nf_type_may_not(lab: Any) -> None:
    assert notify(lab, identity="tester-dcsf") == 403


@pytest.mark.parametrize("value", [[], {}, {"sessionId": "s"}, {**EVENT, "sessionId": 1}, {**EVENT, "sessionId": ""}])
def test_an_event_that_is_not_right_is_refused(lab: Any, value: Any) -> None:
    assert notify(lab, value) == 400


def test_hostile_media_lists_do_not_stop_the_node(lab: Any) -> None:
    for media in ({"dc": {"dcMediaSpecification": {"streams": {"x": 1}}}}, {"dc": 1}, [1]):
        notify(lab, {**EVENT, "mediaInfoList": media}, "imsas")
        assert notify(lab) == 204


def test_the_instruction_follows_the_streams(lab: Any) -> None:
    def decided(streams: tuple[int, ...], calling: str = "sip:alice@ims.example") -> Any:
        specification: Any = {"streams": {str(stream): {} for stream in streams}}
        event = {
            "sessionInfo": {"callingIdentity": calling},
            "mediaInfoList": {"dc": {"dcMediaSpecification": specification}},
        }
        return lab.dcsf._decide(event)["dc"].get("mediaInstruction")

    assert decided((0, 10)) == "TERMINATE_MEDIA"
    assert decided((0, 1000)) == "TERMINATE_MEDIA"
    assert decided((1000,)) is None
    assert decided(()) == "REJECT_MEDIA"
    assert decided((0,), "sip:mallory@ims.example") == "REJECT_MEDIA"
