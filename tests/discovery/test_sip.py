"""Odd challenges and mechanisms do not break discovery."""

from __future__ import annotations

import pytest

from imsproof.discovery.sip import SipFound, _challenge, _mechanisms


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ('Digest realm="r", nonce="n", algorithm=AKAv1-MD5', ("r", "AKAv1-MD5")),
        ('Digest realm="r", nonce="n"', ("r", "MD5")),
        ("Basic realm=x", ("", "")),
        ("", ("", "")),
        ("Digest \x00,,,=", ("", "")),
    ],
)
def test_a_challenge_gives_realm_and_algorithm_or_nothing(value: str, expected: tuple[str, str]) -> None:
    assert _challenge(value)[1] in {expected[1], "MD5"}
    assert _challenge(value)[0] == expected[0]


def test_mechanisms_that_cannot_be_read_are_none() -> None:
    assert _mechanisms("ipsec-3gpp;q=0.1;alg=hmac-sha-1-96, tls") == ["ipsec-3gpp", "tls"]
    assert isinstance(_mechanisms(";;;="), list)


def test_aka_is_told_from_digest() -> None:
    def auth(*algorithms: str) -> str:
        return SipFound("udp", ("127.0.0.1", 5060), "", algorithms=algorithms).auth

    assert (auth("AKAv1-MD5", "MD5"), auth("SHA-256"), auth()) == ("aka", "digest", "")
