from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.profile.conftest import Make

MW = """
claims: [topology-hiding]
gm: {domain: x, udp: '192.0.2.1:5060', subscribers: [{name: a, impi: a, impus: ['sip:a@x'], password: x}]}
mw:
  scscf: 192.0.2.20:5060
  hidden: [192.0.2.20]
  borders: [{name: b, node: ibcf, address: '192.0.2.16:5060', far_domain: far.example, far: '192.0.2.99:5060'}]
"""


def test_inner_nodes_are_those_that_are_given(make: Make) -> None:
    profile = make(MW)
    assert profile.mw
    assert profile.mw.inner() == {"S-CSCF": ("192.0.2.20", 5060)}
    assert profile.mw.borders[0].hiding == "encryption"


@pytest.mark.parametrize(
    ("token", "given"),
    [
        ("mw.scscf", True),
        ("mw.icscf", False),
        ("mw.application-server", False),
        ("mw.border", True),
        ("mw.ibcf-encryption", True),
        ("mw.ibcf-replacement", False),
        ("mw.i-cscf-encryption", False),
    ],
)
def test_capabilities_follow_from_what_is_given(make: Make, token: str, *, given: bool) -> None:
    assert (make(MW).why_missing(token) == "") is given


@pytest.mark.parametrize(
    ("more", "is_pcscf"),
    [
        ("", False),
        (", role: p-cscf", True),
        (", sec_agree: [tls]", True),
        (", sec_agree: [tls], role: registrar", False),
    ],
)
def test_what_gm_is_follows_from_its_mechanisms_unless_it_is_said(make: Make, more: str, *, is_pcscf: bool) -> None:
    profile = make(f"gm: {{domain: x, udp: '192.0.2.1:5060'{more}}}")
    assert (profile.why_missing("gm.p-cscf") == "") is is_pcscf
