"""A profile that is shown holds what was declared, none of the secrets, and can be used again."""

from __future__ import annotations

from pathlib import Path

import pytest

from imsproof.profile import loads, yamltree
from imsproof.profile.shown import LEFT_OUT, shown

PROFILES = Path(__file__).resolve().parents[2] / "profiles"
TEXT = """name: x # the password is hunter22
scope: {networks: [127.0.0.0/8], authorised_by: 'me: myself', until: 2099-01-01}
gm:
  domain: d.example
  udp: 127.0.0.1:5060
  subscribers:
    - {name: a, impi: a@d, impus: ["sip:a@d"], password: hunter22}
    - {name: b, impi: b@d, impus: ["sip:b@d"], password: "${env:B}"}
    - {name: c, impi: c@d, impus: ["sip:c@d"], password: "x${env:B}y"}
    - name: e
      impi: e@d
      impus: ["sip:e@d"]
      k: 00112233445566778899aabbccddeeff
      opc: 00112233445566778899aabbccddeeff
dc:
  via: hook
  hook:
    http:
      method: POST
      url: http://joe:hunter22@127.0.0.1:8080/offer
      headers: {X-Key: hunter22, Content-Type: application/json}
      json: {api_key: hunter22, sdp: "{sdp}", n: 1, s: "1"}
    answer: {sdp: whole}
"""


@pytest.fixture
def told(tmp_path: Path) -> str:
    (tmp_path / "lab.yaml").write_text(TEXT)
    return shown(tmp_path / "lab.yaml")


def test_no_secret_is_shown_and_references_stay(told: str) -> None:
    assert "hunter22" not in told
    assert "00112233" not in told
    assert told.count("${env:B}") == 1
    assert "application/json" in told
    assert "joe" not in told


def test_everything_else_is_as_it_was(told: str) -> None:
    value, before = yamltree.parse(told).value, yamltree.parse(TEXT).value
    assert value["scope"] == before["scope"]
    body, was = value["dc"]["hook"]["http"]["json"], before["dc"]["hook"]["http"]["json"]
    assert {type(body["n"]), type(body["s"])} == {type(was["n"]), type(was["s"])}
    assert (body["n"], body["s"], body["api_key"]) == ("1", "1", LEFT_OUT)


@pytest.mark.parametrize("path", sorted(PROFILES.glob("examples/*.yaml")), ids=lambda path: path.stem)
def test_it_loads_again_where_the_secrets_are_references(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parsed = yamltree.parse(shown(path)).value
    assert parsed == yamltree.parse(path.read_text(encoding="utf-8")).value


def test_a_profile_without_secrets_loads_as_before(tmp_path: Path) -> None:
    text = "name: x\nscope: {networks: [127.0.0.0/8], authorised_by: me, until: 2099-01-01}\nlimits: {flood_rate: 10}\n"
    (tmp_path / "lab.yaml").write_text(text)
    assert loads(shown(tmp_path / "lab.yaml")) == loads(text)
