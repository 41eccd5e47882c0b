from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest
from tests.profile.pems import COMBINED

from imsproof.profile.checks import check

if TYPE_CHECKING:
    from pathlib import Path

    from tests.profile.conftest import Make, Problems

SUBSCRIBER = "{name: a, impi: a@x, impus: ['sip:a@x'], %s}"
K, OP, OPC = f"k: '{'00' * 16}'", f"op: '{'11' * 16}'", f"opc: '{'22' * 16}'"
HOOK = "{command: [x], answer: {sdp: whole}}"


def gm(*subscribers: str, more: str = "") -> str:
    return f"gm: {{domain: x, udp: '192.0.2.1:5060', {more} subscribers: [{', '.join(subscribers)}]}}\n"


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ("gm: {domain: x, udp: '198.51.100.1:5060'}\n", "gm.udp"),
        ("gm: {domain: x, tls: '[2001:db9::1]:5061'}\n", "gm.tls"),
        ("sbi:\n  producers:\n    - {name: a, url: 'https://198.51.100.1'}\n", "sbi.producers[0].url"),
        ("sbi: {nrf: {url: 'https://198.51.100.1/'}}\n", "sbi.nrf.url"),
        ("sbi: {scp: {url: 'https://198.51.100.1/'}}\n", "sbi.scp.url"),
        ("health: {http: 'http://198.51.100.1/'}\n", "health.http"),
        ("dc: {via: hook, hook: {http: {url: 'http://198.51.100.1/'}, answer: {sdp: whole}}}\n", "dc.hook.http.url"),
        (
            (
                "media: {via: hook, hook: {command: [x], release: {http: {url: 'http://198.51.100.1/'}},"
                " answer: {sdp: whole}}}\n"
            ),
            "media.hook.release.http.url",
        ),
    ],
)
def test_every_address_must_lie_in_the_scope(problems: Problems, more: str, field: str) -> None:
    (found,) = problems(more)
    assert f"{field}: found " in found
    assert "allowed: an address in scope.networks (192.0.2.0/24, 2001:db8::/64)" in found


def test_an_address_outside_is_named_without_the_path_which_may_hold_a_secret(problems: Problems) -> None:
    (found,) = problems("health: {http: 'http://198.51.100.1/${env:A}'}\n", env={"A": "hush"})
    assert "198.51.100.1:80" in found
    assert "hush" not in found


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("claims: [sdes]\nclaims_not: [e2e, sdes]\n", "claims_not[1]: found sdes"),
        ("gm: {domain: x}\n", "gm: found no udp, tcp or tls"),
        (gm(SUBSCRIBER % "data_channel: no"), "found none of k, card and password"),
        (gm(SUBSCRIBER % f"{K}, {OPC}, password: x"), "found k and password"),
        (gm(SUBSCRIBER % K), "found k without op or opc"),
        (gm(SUBSCRIBER % f"{K}, {OP}, {OPC}"), "found op and opc"),
        (gm(SUBSCRIBER % "card: {reader: x}, password: x"), "found card and password"),
        (gm(SUBSCRIBER % f"{K}, {OP}, tuak: {{topc: {'00' * 32}}}"), "found op and tuak"),
        (gm(SUBSCRIBER % f"{K}, tuak: {{res: 8}}"), "found both or none of top and topc"),
        (gm(SUBSCRIBER % f"{K}, tuak: {{res: 5, topc: {'00' * 32}}}"), "4, 8, 16 or 32 octets"),
        (gm(SUBSCRIBER % f"k: {'00' * 32}, {OP}"), "found 256 bits"),
        (gm(SUBSCRIBER % "password: x, algorithm: AKAv2-SHA-256"), "found AKAv2-SHA-256"),
        (gm(SUBSCRIBER % f"{K}, {OP}, algorithm: MD5"), "gm.subscribers[0].algorithm: found MD5"),
        (
            gm(SUBSCRIBER % "password: x", SUBSCRIBER % "password: y"),
            "gm.subscribers[1].name: found a; allowed: a name",
        ),
        (gm(SUBSCRIBER % "password: x", more="auth: aka,"), "found the secrets of digest; allowed: those of aka"),
        ("sbi: {tokens: {from: nrf}}\n", "found from: nrf without sbi.nrf"),
        ("sbi: {tokens: {from: key}}\n", "found from: key without sbi.tokens.key"),
        ("sbi: {tokens: {from: file}}\n", "found from: file without sbi.tokens.file"),
        (
            "sbi: {consumers: [{name: a, certificate: c, key: c}], tokens: {from: key, key: c}}\n",
            "sbi.consumers[0]: found no instance_id",
        ),
        ("dc: {}\n", "dc.via: found gm, but the profile has no gm section"),
        ("dc: {via: hook}\n", "dc: found via: hook without a hook"),
        (f"media: {{hook: {HOOK}}}\n", "media.via: found gm (the default) beside a hook"),
        ("dc: {via: hook, hook: {answer: {sdp: whole}}}\n", "dc.hook: found neither http nor command"),
        (
            "dc: {via: hook, hook: {command: [x], http: {url: 'http://192.0.2.1'}, answer: {sdp: whole}}}\n",
            "found http and command",
        ),
        ("dc: {via: hook, hook: {command: [x], release: {}, answer: {sdp: whole}}}\n", "dc.hook.release: found"),
        ("dc: {via: hook, hook: {command: [x], answer: {}}}\n", "dc.hook.answer: found"),
        ("dc: {via: hook, hook: {command: [x, '{sdp_flie}'], answer: {sdp: whole}}}\n", "did you mean {sdp_file}?"),
    ],
)
def test_what_does_not_fit_together_is_named(problems: Problems, tmp_path: Path, more: str, message: str) -> None:
    (tmp_path / "c").write_text(COMBINED)
    assert any(message in found for found in problems(more))


@pytest.mark.parametrize(
    "more",
    [
        gm(SUBSCRIBER % f"{K}, {OPC}", more="auth: aka,"),
        gm(SUBSCRIBER % "password: x, algorithm: SHA-256"),
        f"dc: {{via: hook, hook: {HOOK}}}\n",
        "dc: {via: hook, hook: {command: [awk, '{print $1}', '{sdp_file}'], answer: {sdp: whole}}}\n",
        "sbi: {consumers: [{name: a, certificate: c, key: c}]}\n",
        "gm: {domain: x, udp: '192.0.2.1:5060'}\ndc: {}\nmedia: {}\n",
    ],
)
def test_what_fits_is_left_alone(make: Make, tmp_path: Path, more: str) -> None:
    (tmp_path / "c").write_text(COMBINED)
    assert list(check(make(more), date(2026, 1, 1))) == []
