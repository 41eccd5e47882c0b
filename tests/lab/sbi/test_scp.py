"""The lab's SCP leads requests to registered NFs only, and says nothing of its own about who calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from imsproof.lab import nodes
from imsproof.lab.policy import Policy, PolicyBox
from imsproof.lab.sbi.messages import Peer, Refused, Request
from imsproof.lab.sbi.scp import HOPS, TARGET, ScpNode
from imsproof.lab.sbi.scppolicy import ScpPolicy

if TYPE_CHECKING:
    from tests.lab.sbi.conftest import SbiLab

PREFIX = "127.31.9"
ROOT = f"https://{nodes.MF.fqdn}:8443"


@pytest.fixture
def scp(lab: SbiLab) -> ScpNode:
    return ScpNode(lab.pki, PolicyBox(), PREFIX)


def request(*headers: tuple[str, str]) -> Request:
    return Request("POST", "/x", "", headers, b"", Peer("127.0.0.1"))


def target(scp: ScpNode, *roots: str, **policy: Any) -> tuple[str, str]:
    return scp._target(request(*((TARGET, root) for root in roots)), ScpPolicy(**policy))


@pytest.mark.parametrize("root", [ROOT, f"https://{PREFIX}.50:8443", f"https://{nodes.MF.fqdn}", f"{ROOT}/"])
def test_a_registered_nf_is_reached_by_name_and_by_address(scp: ScpNode, root: str) -> None:
    assert target(scp, root) == (f"https://{PREFIX}.50:8443", nodes.MF.fqdn)


@pytest.mark.parametrize(
    "root",
    [
        "http://127.0.0.1:9",
        f"http://{nodes.MF.fqdn}:8443",
        f"https://u@{nodes.MF.fqdn}",
        f"{ROOT}/x",
        "https://[",
        "",
        "x",
    ],
)
def test_any_other_target_is_refused(scp: ScpNode, root: str) -> None:
    with pytest.raises(Refused):
        target(scp, root)


def test_no_target_and_two_targets_are_refused(scp: ScpNode) -> None:
    for roots in ((), (ROOT, ROOT)):
        with pytest.raises(Refused):
            target(scp, *roots)


def test_faults_lead_anywhere_and_take_the_last(scp: ScpNode) -> None:
    assert target(scp, "http://127.0.0.1:9", known_targets=False) == ("http://127.0.0.1:9", "")
    assert target(scp, "https://127.0.0.1:9", ROOT, single_target=False)[1] == nodes.MF.fqdn


def test_hops_are_counted_down_to_none(scp: ScpNode) -> None:
    assert scp._hops(request((HOPS, "2; nodetype=scp")), ScpPolicy()) == [(HOPS, "1; nodetype=scp")]
    assert scp._hops(request(), ScpPolicy()) == []
    assert scp._hops(request((HOPS, "0")), ScpPolicy(bounded_hops=False)) == []
    for hops in ("0; nodetype=scp", "many"):
        with pytest.raises(Refused):
            scp._hops(request((HOPS, hops)), ScpPolicy())


def test_the_conformant_policy_is_the_default() -> None:
    assert Policy().scp == ScpPolicy(known_targets=True, single_target=True, bounded_hops=True)
