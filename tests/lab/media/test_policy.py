"""The media policy and its planted faults."""

from __future__ import annotations

import pytest

from imsproof.lab.faults import all_faults, policy_with
from imsproof.lab.media.policy import MediaPolicy

MEDIA = sorted(name for name, fault in all_faults().items() if fault.family == "media")


@pytest.mark.parametrize("name", MEDIA)
def test_every_media_fault_changes_the_media_policy_and_nothing_else(name: str) -> None:
    faulty, right = policy_with([name]), policy_with([])
    assert faulty.media != right.media
    assert (faulty.sip, faulty.sbi) == (right.sip, right.sbi)


def test_the_default_policy_is_the_conformant_one() -> None:
    policy = MediaPolicy()
    assert policy.dtls_lowest == "DTLSv1.2"
    assert policy.check_fingerprint
    assert policy.srtp_required
    assert not policy.apps_over_tcp
