"""Client credentials assertions at the MF: a good one passes, each wrong one passes under its fault only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from imsproof.actors import cca
from imsproof.actors.nfidentity import NfIdentity
from imsproof.codec import jose
from imsproof.lab import nodes

if TYPE_CHECKING:
    from collections.abc import Callable


def identity(lab: Any, name: str = "tester-as", instance: str = nodes.TESTER_AS.instance_id) -> NfIdentity:
    pki = lab.pki
    return NfIdentity(name, pki.certificate(name).read_bytes(), pki.key(name).read_bytes(), "IMS_AS", instance)


def send(lab: Any, text: str) -> int:
    status: int = lab.create(headers={**lab.bearer(), cca.HEADER: text}).status_code
    return status


WRONG: dict[str, tuple[Callable[[Any], str], str]] = {
    "signature": (lambda lab: jose.tampered_signature(cca.assertion(identity(lab), "MF")), "cca.signature_ignored"),
    "audience": (lambda lab: cca.assertion(identity(lab), "UDR"), "cca.audience_ignored"),
    "expired": (lambda lab: cca.assertion(identity(lab), "MF", offset=-3600), "cca.expiry_ignored"),
    "future": (lambda lab: cca.assertion(identity(lab), "MF", offset=3600), "cca.issued_ignored"),
    "another's certificate": (
        lambda lab: cca.assertion(identity(lab, "tester-as-2"), "MF"),
        "cca.subject_ignored",
    ),
    "another NF than the token's": (
        lambda lab: cca.assertion(identity(lab, "tester-as-2", nodes.TESTER_SECOND_AS.instance_id), "MF"),
        "cca.token_mismatch_ignored",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_assertion_is_refused_and_its_fault_takes_it(lab: Any, name: str) -> None:
    make, fault = WRONG[name]
    assert send(lab, make(lab)) == 403
    assert lab.mf.contexts == 0
    lab.fault(fault)
    assert send(lab, make(lab)) == 201


def test_a_good_assertion_is_taken_and_none_is_needed(lab: Any) -> None:
    assert send(lab, cca.assertion(identity(lab), "MF")) == 201
    assert lab.create().status_code == 201


@pytest.mark.parametrize("text", ["", "x", "a.b.c", "e30.e30.e30"])
def test_what_is_no_assertion_is_refused(lab: Any, text: str) -> None:
    assert send(lab, text) == 403
