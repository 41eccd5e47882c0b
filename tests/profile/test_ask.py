from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest
from tests.profile.pems import COMBINED

from imsproof.profile import loads
from imsproof.profile.ask import QUESTIONS, Kind, Question, write_profile

if TYPE_CHECKING:
    from pathlib import Path

BASE = {
    "name": "lab",
    "scope.networks": "192.0.2.0/24, 2001:db8::/64",
    "scope.authorised_by": "Jane: the owner",
    "scope.until": "2030-01-31",
}
GM = {"?gm": "yes", "gm.domain": "x", "gm.udp": "192.0.2.1:5060", "gm.tls": "[2001:db8::1]:5061"}
A = {
    "?gm.subscribers.0": "yes",
    "gm.subscribers.0.name": "a",
    "gm.subscribers.0.impi": "a@x",
    "gm.subscribers.0.impus": "sip:a@x",
    "?gm.subscribers.0.kind": "aka",
    "gm.subscribers.0.k": "K_A",
    "gm.subscribers.0.opc": "OPC_A",
    "gm.subscribers.0.data_channel": "yes",
}
B = {
    "?gm.subscribers.1": "yes",
    "gm.subscribers.1.name": "b",
    "gm.subscribers.1.impi": "b@x",
    "gm.subscribers.1.impus": "tel:+49301",
    "?gm.subscribers.1.kind": "digest",
    "gm.subscribers.1.password": "PASSWORD_B",
}
SBI = {
    "?sbi": "yes",
    "sbi.producers.0.name": "mf",
    "sbi.producers.0.url": "https://192.0.2.2:8443",
    "sbi.producers.0.apis": "nmf-mrm, other",
    "sbi.producers.0.requires_token": "no",
    "sbi.producers.0.probe.path": "/",
    "?sbi.consumers.0": "yes",
    "sbi.consumers.0.name": "as",
    "sbi.consumers.0.certificate": "c",
    "sbi.consumers.0.key": "c",
    "?sbi.tokens": "key",
    "sbi.consumers.0.instance_id": "6f1b2a34-0000-4000-8000-000000000001",
    "sbi.tokens.key": "c",
}
DC = {"?dc": "yes", "dc.hook.command": "./peer --offer '{sdp_file}'", "dc.hook.answer.sdp": "whole"}
ENV = {"K_A": "00" * 16, "OPC_A": "11" * 16, "PASSWORD_B": "x"}


def question(key: str) -> Question:
    return next(one for one in QUESTIONS if one.key == key)


def test_the_answers_make_a_profile_that_loads(tmp_path: Path) -> None:
    (tmp_path / "c").write_text(COMBINED)
    text = write_profile(BASE | GM | A | B | SBI | DC)
    profile = loads(text, base=tmp_path, env=ENV, today=date(2026, 1, 1))
    assert profile.scope.authorised_by == "Jane: the owner"
    wanted = ("gm.udp", "gm.tls", "gm.aka", "gm.digest", "gm.two-subscribers", "sbi.nmf-mrm", "sbi.mint", "dc.hook")
    assert [token for token in wanted if profile.why_missing(token)] == []
    assert profile.sbi is not None
    assert not profile.sbi.producers[0].requires_token


def test_the_least_answers_make_a_profile_too() -> None:
    assert loads(write_profile(BASE), env={}, today=date(2026, 1, 1)).gm is None


def test_secrets_are_named_and_not_written() -> None:
    assert "${env:K_A}" in write_profile(BASE | GM | A)


def test_answers_whose_question_does_not_apply_are_ignored() -> None:
    assert write_profile(BASE | GM | A | SBI | DC | {"?gm": "no", "?sbi": "no", "?dc": "no"}) == write_profile(BASE)


def test_tokens_from_the_nrf_ask_for_the_nrf() -> None:
    answers = {"?sbi": "yes", "?sbi.consumers.0": "yes", "?sbi.tokens": "nrf"}
    assert question("sbi.nrf.url").asked(answers)
    assert not question("sbi.tokens.key").asked(answers)


@pytest.mark.parametrize(
    ("key", "answer"),
    [
        ("name", "my lab"),
        ("name", ""),
        ("scope.networks", "192.0.2.0/24, 0.0.0.0/0"),
        ("scope.until", "soon"),
        ("?gm", "perhaps"),
        ("?gm.subscribers.0.kind", "x"),
        ("gm.udp", "pcscf:5060"),
        ("gm.subscribers.0.k", "00112233 is the key"),
        ("gm.subscribers.0.impus", "a@x"),
        ("sbi.producers.0.url", "https://mf"),
        ("sbi.consumers.0.instance_id", "7"),
        ("sbi.producers.0.nf_type", "mf"),
        ("dc.hook.command", "peer 'x"),
    ],
)
def test_a_wrong_answer_is_told_at_once(key: str, answer: str) -> None:
    assert question(key).wrong_with(answer)


def test_right_answers_and_what_may_be_left_out_are_fine() -> None:
    for key, answer in (BASE | GM | A | B | SBI | DC).items():
        assert question(key).wrong_with(answer) == "", key
    assert question("description").wrong_with("") == ""


def test_each_default_is_a_right_answer_and_each_gate_comes_first() -> None:
    seen: set[str] = set()
    for one in QUESTIONS:
        assert not one.default or one.wrong_with(one.default) == ""
        assert one.asked_if is None or one.asked_if[0] in seen
        assert one.kind is not Kind.CHOICE or one.choices
        seen.add(one.key)
