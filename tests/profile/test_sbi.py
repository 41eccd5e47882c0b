from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from imsproof.profile.sbi import Producer, Sbi, SbiProbe, Tokens


def sbi(*consumers: tuple[str, str | None]) -> Sbi:
    entries = [{"name": name, "role": role, "certificate": "c", "key": "k"} for name, role in consumers]
    return Sbi.model_validate({"consumers": entries})


def names(lab: Sbi) -> tuple[str | None, list[str]]:
    return lab.consumer.name if lab.consumer else None, [other.name for other in lab.others]


def test_the_first_consumer_is_authorised_unless_roles_say_otherwise() -> None:
    assert names(sbi(("a", None), ("b", None))) == ("a", ["b"])
    assert names(sbi(("a", "other"), ("b", "authorised"))) == ("b", ["a"])
    assert names(sbi(("a", "other"), ("b", None))) == ("b", ["a"])
    assert names(sbi(("a", "authorised"), ("b", "authorised"), ("c", "other"))) == ("a", ["c"])


def test_without_an_authorised_consumer_there_is_none() -> None:
    assert names(sbi()) == (None, [])
    assert names(sbi(("a", "other"))) == (None, ["a"])


def test_a_producer_is_found_by_its_api() -> None:
    lab = Sbi.model_validate(
        {
            "producers": [
                {"name": "mf", "url": "https://192.0.2.1:1", "apis": ["nmf-mrm"]},
                {"name": "as", "url": "https://192.0.2.1:2", "apis": ["nimsas-mc"]},
            ]
        }
    )
    found = lab.producer("nimsas-mc")
    assert found is not None
    assert found.name == "as"
    assert lab.producer("nope") is None


@pytest.mark.parametrize(
    ("more", "scope"), [({}, ""), ({"apis": ["a", "b"]}, "a"), ({"apis": ["a"], "scope": "s"}, "s")]
)
def test_the_scope_of_tokens_is_the_first_api_unless_given(more: dict[str, Any], scope: str) -> None:
    assert Producer.model_validate({"name": "x", "url": "https://192.0.2.1", **more}).token_scope == scope


def test_the_source_of_tokens_is_the_field_from() -> None:
    assert Tokens.model_validate({"from": "key", "key": "k.pem"}).source == "key"
    assert Tokens.model_validate({"from": "file", "file": "t"}).file == Path("t")


def test_a_probe_keeps_a_body_that_is_a_mapping() -> None:
    probe = SbiProbe.model_validate({"path": "/x", "body": {"a": [1]}})
    assert probe.body == {"a": [1]}
    assert 201 in probe.expect


@pytest.mark.parametrize("path", ["x", "", "/a b"])
def test_the_path_of_a_probe_starts_with_a_slash(path: str) -> None:
    with pytest.raises(ValidationError):
        SbiProbe.model_validate({"path": path})
