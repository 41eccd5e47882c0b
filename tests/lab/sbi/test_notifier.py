"""Notifications go only where the lab may send."""

from __future__ import annotations

from typing import Any

import pytest

from imsproof.lab import nodes
from imsproof.lab.sbi.notifier import may_notify

PATH = "/nnrf-nfm/v1/subscriptions"
OWN = {"nfInstanceId": nodes.TESTER_AS.instance_id}


@pytest.mark.parametrize(
    ("uri", "allowed"),
    [
        ("https://127.0.0.1:1/x", True),
        ("https://[::1]:1/x", True),
        ("https://localhost:1/x", True),
        ("https://localhost.example/x", False),
        ("http://127.0.0.1:1/x", False),
        ("https://127.0.0.1:1", False),
        ("https://192.0.2.1/x", False),
        ("https://name.example/x", False),
        ("https://[/x", False),
    ],
)
def test_where_a_notification_may_go(uri: str, allowed: bool) -> None:
    assert may_notify(uri) is allowed


def test_a_subscription_is_made_and_taken_back(lab: Any) -> None:
    body = {"nfStatusNotificationUri": "https://127.0.0.1:1/x", "subscrCond": OWN}
    made = lab.request(nodes.NRF, "POST", PATH, json=body)
    assert made.status_code == 201
    where = f"{PATH}/{made.json()['subscriptionId']}"
    assert lab.request(nodes.NRF, "DELETE", where).status_code == 204
    assert lab.request(nodes.NRF, "DELETE", where).status_code == 404


@pytest.mark.parametrize("change", [{"nfStatusNotificationUri": "https://192.0.2.1/x"}, {"subscrCond": 1}])
def test_a_subscription_that_is_not_right_is_refused(lab: Any, change: dict[str, object]) -> None:
    body = {"nfStatusNotificationUri": "https://127.0.0.1:1/x", "subscrCond": OWN, **change}
    assert lab.request(nodes.NRF, "POST", PATH, json=body).status_code == 400
