"""Planted faults are data that fit the policy; what does not fit is refused with its place."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest

from imsproof.lab.faults import FaultError, all_faults, policy_with
from imsproof.lab.policy import Policy

if TYPE_CHECKING:
    from pathlib import Path


def test_every_fault_changes_the_policy() -> None:
    for name in all_faults():
        assert policy_with([name]) != Policy(), name


def test_every_fault_has_a_sentence_and_a_node() -> None:
    for fault in all_faults().values():
        assert fault.sentence.endswith("."), fault.name
        assert fault.node


def test_no_fault_is_the_conformant_lab() -> None:
    assert policy_with([]) == Policy()


def test_faults_add_up_and_change_nothing_else() -> None:
    policy = policy_with(["token.audience_ignored", "token.scope_ignored", "token.audience_ignored"])
    expected = dataclasses.replace(Policy().sbi, check_audience=False, check_scope=False)
    assert policy == dataclasses.replace(Policy(), sbi=expected)


def test_lists_become_tuples() -> None:
    assert policy_with(["tls.no_tls13"]).sbi.tls_versions == ("TLSv1.2",)


def test_an_unknown_fault_is_refused_with_those_that_are_near() -> None:
    with pytest.raises(
        FaultError, match=r"no fault is named 'token\.audience_ignore'; near it: token\.audience_ignored"
    ):
        policy_with(["token.audience_ignore"])


def test_faults_that_contradict_one_another_are_refused() -> None:
    with pytest.raises(FaultError, match=r"both set sbi\.tls_versions"):
        policy_with(["tls.no_tls13", "tls.no_tls12"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[]", None),
        ("- a", "expected a mapping"),
        ("a: {sentence: S., node: MF}", "needs exactly sentence, node and set"),
        ("a: {sentence: S., node: MF, set: {}}", "needs exactly"),
        ("a: {sentence: S., node: MF, set: {sbi.nope: 1}}", "the policy does not have"),
        ("a: {sentence: S., node: MF, set: {nope.check_scope: false}}", "the policy does not have"),
        ("a: {sentence: S., node: MF, set: {sbi.check_scope: 0}}", "to 0, expected bool"),
        ("a: {sentence: S., node: MF, set: {sbi.token_lifetime: soon}}", "expected int"),
    ],
)
def test_a_file_that_does_not_fit_is_refused(tmp_path: Path, text: str, message: str | None) -> None:
    (tmp_path / "x.yaml").write_text(text)
    if message is None:
        assert all_faults(tmp_path) == {}
        return
    with pytest.raises(FaultError, match=message):
        all_faults(tmp_path)


def test_a_name_in_two_files_is_refused(tmp_path: Path) -> None:
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_text("f: {sentence: S., node: MF, set: {sbi.check_scope: false}}")
    with pytest.raises(FaultError, match=r"'f' stands in a\.yaml already"):
        all_faults(tmp_path)
