"""``imsproof calibrate`` on one purpose: its faults are caught, and the right lab passes."""

from __future__ import annotations

import json

from tests.whole.command import imsproof

from imsproof.catalogue import load


def test_a_sound_purpose_catches_its_faults_and_raises_no_alarm() -> None:
    done = imsproof("calibrate", "-p", "SBI-TLS-02", "--format", "json", "--workers", 2)
    told = json.loads(done.stdout)
    assert done.returncode == 0, told
    assert {one["fault"] for one in told["caught"]} == set(load().get("SBI-TLS-02").faults)
    assert (told["missed"], told["false_alarms"]) == ([], [])


def test_an_unknown_purpose_is_bad_usage() -> None:
    assert imsproof("calibrate", "-p", "NO-SUCH-01").returncode == 2
