from __future__ import annotations

import os
from contextlib import suppress
from datetime import date
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imsproof.profile import ProfileError, load, loads

if TYPE_CHECKING:
    from pathlib import Path

    from tests.profile.conftest import Make, Problems


def test_name_and_scope_are_enough(make: Make) -> None:
    profile = make()
    assert profile.name == "lab"
    assert profile.gm is None
    assert profile.limits.packets_per_second == 20_000


def test_a_profile_is_loaded_from_its_file_with_paths_and_references(tmp_path: Path) -> None:
    (tmp_path / "certs").mkdir()
    (tmp_path / "certs" / "ca.pem").write_text("x")
    (tmp_path / "secret").write_text("22" * 16 + "\n")
    (tmp_path / "lab.yaml").write_text(
        "name: lab\nscope: {networks: ['::1/128'], authorised_by: me, until: 2099-01-01}\n"
        "gm:\n  domain: x\n  tls: '[::1]:${env:PORT}'\n  tls_ca: certs/ca.pem\n"
        "  subscribers: [{name: a, impi: a@x, impus: ['sip:a@x'], k: '${file:secret}', opc: '${env:OPC}'}]\n"
    )
    gm = load(tmp_path / "lab.yaml", env={"PORT": "5061", "OPC": "11" * 16}).gm
    assert gm is not None
    assert gm.tls == ("::1", 5061)
    assert gm.tls_ca == tmp_path / "certs" / "ca.pem"
    assert (gm.subscribers[0].k, gm.subscribers[0].opc) == (b"\x22" * 16, b"\x11" * 16)


def test_every_mistake_is_named_with_line_and_field(problems: Problems) -> None:
    found = problems("limits:\n  flood_rate: 0\ngm:\n  domain: x\n  upd: 192.0.2.1:5060\nclaims: [sdess]\n")
    assert [problem.split(": found")[0] for problem in found] == [
        "lab.yaml:7: limits.flood_rate",
        "lab.yaml:10: gm.upd",
        "lab.yaml:11: claims[0]",
    ]


def test_references_that_lead_nowhere_are_named_beside_other_mistakes(problems: Problems) -> None:
    found = problems("description: ${env:NOPE}\ngm: {domain: x, udp: '${env:NOPE}'}\nclaims: [x]\n")
    assert len(found) == 3
    assert "export NOPE=" in found[0]
    assert "export NOPE=" in found[1]


@pytest.mark.parametrize(
    ("whole", "message"),
    [
        ("", "lab.yaml: found nothing; allowed: fields, at least name and scope"),
        ("# only a comment\n", "found nothing"),
        ("- a\n", "found a list"),
        ("hello\n", "found a single value"),
        ("name: a\nname: b\n", "lab.yaml:2: found name a second time (first on line 1); allowed: each field once"),
        ("a: &a [*a]", "alias"),
        ("name: [", "YAML"),
        ("\x00", "NUL"),
        ("\udcff", "not UTF-8"),
        ("[" * 50_000, "levels"),
        ("x" * ((1 << 20) + 1), "at most 1048576 bytes"),
    ],
)
def test_a_text_that_is_no_profile_is_one_clear_message(problems: Problems, whole: str, message: str) -> None:
    found = problems(whole=whole)
    assert len(found) == 1
    assert message in found[0]


def test_a_file_that_cannot_be_read_is_a_clear_message(tmp_path: Path) -> None:
    for path in (tmp_path / "gone.yaml", tmp_path, tmp_path / "a\x00b"):
        with pytest.raises(ProfileError, match="no readable file"):
            load(path)


def test_an_endless_file_is_not_read_to_its_end() -> None:
    with pytest.raises(ProfileError, match="at most"):
        load("/dev/zero")


def test_binary_files_are_named_as_such(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_bytes(bytes(range(256)) * 4)
    with pytest.raises(ProfileError, match="UTF-8"):
        load(tmp_path / "p.yaml")


def test_the_authorisation_must_not_have_ended(problems: Problems) -> None:
    ended = "name: lab\nscope: {networks: [192.0.2.0/24], authorised_by: Jane, until: 2025-12-31}\n"
    (found,) = problems(whole=ended)
    assert found.startswith("lab.yaml:2: scope.until: found 2025-12-31")
    assert "ask Jane" in found


def test_today_is_the_date_that_counts_when_none_is_given() -> None:
    text = "name: lab\nscope: {networks: [192.0.2.0/24], authorised_by: Jane, until: %s}\n"
    loads(text % "2999-01-01")
    with pytest.raises(ProfileError, match="has ended"):
        loads(text % "2001-01-01")


def test_the_environment_is_the_process_own_unless_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "IMSPROOF_TEST_NAME", "from-env")
    text = "name: ${env:IMSPROOF_TEST_NAME}\nscope: {networks: [192.0.2.0/24], authorised_by: J, until: 2999-01-01}\n"
    assert loads(text).name == "from-env"


SCRAPS = st.sampled_from(
    """\
name: a
scope:
  networks: [192.0.2.0/24]
  authorised_by: me
  until: 2030-01-01
gm:
  domain: x
  udp: 192.0.2.1:1
gm: []
sbi: {producers: [{name: a}]}
sbi: [[]]
dc: {via: hook}
- x
  - {}
claims: sdes
limits: 5
timers: {answer: nan}
tester: {addresses: [x]}
""".splitlines(keepends=True)
)


@given(st.lists(SCRAPS, max_size=12).map("".join) | st.text(max_size=200))
def test_any_text_is_a_profile_or_a_profile_error(text: str) -> None:
    with suppress(ProfileError):  # any other exception fails the test
        loads(text, env={}, today=date(2026, 1, 1))
