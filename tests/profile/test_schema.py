from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from tests.profile.pems import COMBINED

from imsproof.profile import Profile, loads, schema

PROFILES = Path(__file__).resolve().parents[2] / "profiles"
EXAMPLES = sorted((PROFILES / "examples").glob("*.yaml"))
SECRETS = ("K_A", "K_B", "K_T", "OP", "OPC_A", "OPC_B")
ENV = dict.fromkeys(SECRETS, "00" * 16) | dict.fromkeys(
    ("ALICE_PASSWORD", "BOB_PASSWORD", "BENCH_TOKEN", "GATEWAY_TOKEN", "PIN_S"), "x"
)
ENV["TOPC_T"] = "00" * 32


def template() -> str:
    """The template with its comments taken at their word: one ``#`` away, ``##`` kept."""
    text = (PROFILES / "template.yaml").read_text()
    return "\n".join(re.sub(r"^#(?!#| \S)", "", line) for line in text.splitlines())


def load(text: str, base: Path) -> Profile:
    for name in re.findall(r"(?:certs|secrets|logs|openapi)/[\w.-]+", text):
        (base / name).parent.mkdir(exist_ok=True)
        (base / name).write_text(COMBINED)
    return loads(text, base=base, env=ENV, today=date(2026, 1, 1))


def plain(text: str) -> Any:
    """The values as an editor's YAML reader sees them, dates as text."""
    return json.loads(json.dumps(yaml.safe_load(text), default=str))


def test_the_schema_in_the_profiles_folder_is_that_of_the_model() -> None:
    assert (PROFILES / "schema.json").read_text() == schema.text(), (
        "write it again: .venv/bin/python -m imsproof.profile.schema > profiles/schema.json"
    )


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(schema.schema())


@pytest.mark.parametrize("path", [*sorted(PROFILES.glob("*.yaml")), *EXAMPLES], ids=lambda p: p.stem)
def test_the_profiles_that_we_ship_fit_the_schema(path: Path) -> None:
    jsonschema.validate(plain(path.read_text()), schema.schema())


def test_the_schema_refuses_what_the_model_refuses() -> None:
    minimal = {"name": "a", "scope": {"networks": ["192.0.2.0/24"], "authorised_by": "me", "until": "2030-01-01"}}
    jsonschema.validate(minimal, schema.schema())
    for wrong in (
        {"nmae": "a"},
        {"claims": ["x"]},
        {"gm": {"domain": "x", "udp": "pcscf:5060"}},
        {"limits": {"flood_rate": 0}},
    ):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(minimal | wrong, schema.schema())


def test_a_reference_may_stand_for_a_number() -> None:
    minimal = {"name": "a", "scope": {"networks": ["192.0.2.0/24"], "authorised_by": "me", "until": "2030-01-01"}}
    jsonschema.validate(minimal | {"limits": {"flood_rate": "${env:RATE}"}}, schema.schema())


def test_the_template_loads_as_it_is_and_with_its_comments_taken_at_their_word(tmp_path: Path) -> None:
    assert load((PROFILES / "template.yaml").read_text(), tmp_path).gm is None
    profile = load(template(), tmp_path)
    jsonschema.validate(plain(template()), schema.schema())
    missing = [token for token in ("gm", "sbi", "dc", "agw", "health") if profile.why_missing(token)]
    assert missing == []


def paths(value: Any, at: str = "") -> set[str]:
    if isinstance(value, dict):
        return {path for key, item in value.items() for path in paths(item, f"{at}.{key}") | {f"{at}.{key}"}}
    if isinstance(value, list):
        return {path for item in value for path in paths(item, at)}
    return set()


def fields(model: dict[str, Any], at: str = "") -> set[str]:
    found: set[str] = set()
    for name, rule in model["properties"].items():
        found |= {f"{at}.{name}"}
        for reference in re.findall(r"#/\$defs/(\w+)", json.dumps(rule)):
            found |= fields(schema.schema()["$defs"][reference], f"{at}.{name}")
    return found


def test_the_template_shows_every_field() -> None:
    # An alternative that would contradict its neighbour is shown in a comment, or in the other hook.
    elsewhere = {
        ".gm.auth": "auth: aka",
        ".sbi.tokens.file": "file: tokens/one.jwt",
        ".gm.subscribers.tuak.top": "top: ${env:TOP}",
    }
    alike = {
        r"^\.(dc|media|msrp)\.hook": ".hook",
        r"^\.sbi\.callback\.release\.": ".sbi.callback.requests.",
        r"^\.gm\.removal": ".hook.release",
    }

    def one_of_its_kind(path: str) -> str:
        for pattern, name in alike.items():
            path = re.sub(pattern, name, path)
        return path

    shown = set(map(one_of_its_kind, paths(plain(template()))))
    wanted = set(map(one_of_its_kind, fields(schema.schema())))
    assert sorted(wanted - shown - elsewhere.keys()) == []
    assert all(text in template() for text in elsewhere.values())


@pytest.mark.parametrize(
    ("name", "tokens"),
    [
        ("network", ["gm.aka", "dc.e2dce", "sbi.tokens", "agw.sdes", "sbi.nrf"]),
        ("sbi-producer", ["sbi.nmf-mrm", "sbi.mint", "sbi.probe"]),
        ("tls-front", ["sbi.producer", "sbi.consumer", "sbi.probe"]),
        ("registrar", ["gm.digest", "gm.tls", "gm.call"]),
        ("data-channel", ["dc.hook"]),
        ("media-gateway", ["agw.sdes", "agw.dtls-srtp"]),
        ("message-peer", ["msrp", "msrp.tls"]),
    ],
)
def test_an_example_loads_and_gives_what_it_is_for(tmp_path: Path, name: str, tokens: list[str]) -> None:
    profile = load((PROFILES / "examples" / f"{name}.yaml").read_text(), tmp_path)
    assert [token for token in tokens if profile.why_missing(token)] == []


def test_each_example_is_tried_and_named_in_the_template() -> None:
    text = (PROFILES / "template.yaml").read_text()
    assert len(EXAMPLES) == 7
    assert all(f"{path.name} " in text for path in EXAMPLES)
