from __future__ import annotations

from typing import TYPE_CHECKING, get_args

import pytest
from tests.profile.pems import COMBINED

from imsproof.profile.capabilities import TOKENS, Claim

if TYPE_CHECKING:
    from pathlib import Path

    from tests.profile.conftest import Make

AKA = f"{{name: %s, impi: a@x, impus: ['sip:a@x'], k: '{'00' * 16}', opc: '{'11' * 16}', data_channel: %s}}"
DIGEST = "{name: %s, impi: a@x, impus: ['sip:a@x'], password: x}"


def gm(*subscribers: str, more: str = "udp: '192.0.2.1:5060'") -> str:
    return f"gm: {{domain: x, {more}, subscribers: [{', '.join(subscribers)}]}}\n"


FAR = "tls: '192.0.2.1:5061', far_end: {uri: 'sip:f@x', answers: [audio, data-channel]}"
HOOK = "{via: hook, hook: {command: [x], answer: {sdp: whole}}}\n"
PRODUCER = "sbi: {producers: [{name: a, url: 'https://192.0.2.1', %s}], %s}\n"
CONSUMER = "consumers: [{name: a, certificate: c, key: c, instance_id: 6f1b2a34-0000-4000-8000-000000000001}%s]"


def test_a_profile_without_parts_has_nothing_and_says_why(make: Make) -> None:
    profile = make()
    assert profile.capabilities() == {}
    for token in TOKENS:
        assert len(profile.why_missing(token)) > 10


@pytest.mark.parametrize(
    ("more", "present", "absent"),
    [
        (
            gm(),
            ["gm", "gm.udp"],
            ["gm.tcp", "gm.tls", "gm.subscriber", "gm.aka", "gm.ipsec", "gm.sec-agree", "gm.call"],
        ),
        (
            gm(AKA % ("a", "no")),
            ["gm.aka", "gm.subscriber"],
            ["gm.digest", "gm.two-subscribers", "dc", "agw", "gm.call"],
        ),
        (
            gm(DIGEST % "a", DIGEST % "b"),
            ["gm.digest", "gm.two-subscribers", "agw", "gm.call"],
            ["gm.aka", "dc", "dc.call"],
        ),
        (
            gm(AKA % ("a", "yes"), more=FAR),
            ["dc", "dc.call", "gm.far-end", "gm.tls", "agw"],
            ["dc.no-service", "gm.udp"],
        ),
        (gm(AKA % ("a", "yes"), AKA % ("b", "no")), ["gm.two-subscribers", "agw"], ["dc.call", "dc.no-service"]),
        (gm(AKA % ("a", "yes"), AKA % ("b", "yes"), AKA % ("c", "no")), ["dc.call", "dc.no-service"], ["dc.e2e", "dc"]),
        (gm(AKA % ("a", "yes"), AKA % ("b", "yes")) + "claims: [e2dce]\n", ["dc", "dc.e2dce"], ["dc.e2e"]),
        (
            gm(AKA % ("a", "yes"), more=FAR) + "claims: [e2e, sdes]\n",
            ["dc.e2e", "agw.sdes", "claim.sdes"],
            ["dc.e2dce", "agw.dtls-srtp"],
        ),
        ("claims: [e2e, sdes]\n", ["claim.e2e"], ["dc.e2e", "agw.sdes"]),
        (gm(more="tcp: '192.0.2.1:1', sec_agree: [ipsec-3gpp]"), ["gm.ipsec", "gm.sec-agree", "gm.tcp"], []),
        ("dc: " + HOOK, ["dc", "dc.hook", "dc.two-peers"], ["dc.call", "dc.apps", "agw"]),
        ("dc: {via: hook, apps: [a], hook: {command: [x], answer: {sdp: whole}}}\n", ["dc.apps"], []),
        ("media: " + HOOK, ["agw"], ["agw.sdes", "dc"]),
        (
            PRODUCER % ("apis: [nmf-mrm]", ""),
            ["sbi", "sbi.producer", "sbi.nmf-mrm"],
            ["sbi.probe", "sbi.tokens", "sbi.nrf"],
        ),
        (PRODUCER % ("probe: {path: /}", ""), ["sbi.probe"], ["sbi.nmf-mrm", "sbi.consumer", "sbi.scp"]),
        (PRODUCER % ("", CONSUMER % ""), ["sbi.consumer"], ["sbi.second-consumer", "sbi.client-ca"]),
        (
            PRODUCER % ("", CONSUMER % ", {name: b, certificate: c, key: c}"),
            ["sbi.second-consumer"],
            ["sbi.token-source"],
        ),
        (PRODUCER % ("", "tokens: {from: key, key: c}"), ["sbi.tokens", "sbi.token-source", "sbi.mint"], ["sbi.nrf"]),
        (PRODUCER % ("requires_token: false", "tokens: {from: key, key: c}"), ["sbi.token-source"], ["sbi.tokens"]),
        (
            PRODUCER % ("", "nrf: {url: 'https://192.0.2.2'}, tokens: {from: nrf}"),
            ["sbi.nrf", "sbi.tokens"],
            ["sbi.mint"],
        ),
        (
            PRODUCER % ("", "scp: {url: 'https://192.0.2.2'}, client_ca: {certificate: c, key: c}"),
            ["sbi.scp", "sbi.client-ca"],
            [],
        ),
        ("tester: {addresses: [192.0.2.8, 192.0.2.9]}\n", ["tester.second-address"], []),
        ("health: {command: [x]}\n", ["health"], []),
    ],
)
def test_what_is_declared_is_there_and_the_rest_is_not(
    make: Make, tmp_path: Path, more: str, present: list[str], absent: list[str]
) -> None:
    (tmp_path / "c").write_text(COMBINED)
    profile = make(more)
    capabilities = profile.capabilities()
    assert [token for token in present if token not in capabilities] == []
    assert [token for token in absent if token in capabilities] == []


def test_the_reason_is_the_first_thing_to_mend(make: Make) -> None:
    assert (
        make().why_missing("dc.e2e")
        == make().why_missing("gm")
        == "the profile has no gm section (P-CSCF or registrar)"
    )
    assert "gm.subscribers" in make(gm()).why_missing("gm.aka")


def test_a_claim_that_the_lab_openly_does_not_make_is_said_so(make: Make) -> None:
    assert "claims_not" in make("claims_not: [sdes]\n").why_missing("claim.sdes")


def test_a_token_that_is_there_has_no_reason(make: Make) -> None:
    assert make(gm()).why_missing("gm.udp") == ""


def test_each_claim_is_a_token() -> None:
    assert {f"claim.{name}" for name in get_args(Claim)} <= set(TOKENS)


def test_an_unknown_token_is_a_mistake_of_the_caller(make: Make) -> None:
    with pytest.raises(KeyError):
        make().why_missing("gm.tsl")
