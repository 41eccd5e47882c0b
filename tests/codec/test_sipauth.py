"""Challenges and credentials as header values."""

from __future__ import annotations

import pytest

from imsproof.codec.sipaddress import SipSyntaxError
from imsproof.codec.sipauth import (
    format_challenge,
    format_credentials,
    format_info,
    parse_auth_params,
    parse_challenge,
    parse_credentials,
)

CHALLENGE = 'Digest realm="ims.example", nonce="a==", qop="auth,auth-int", algorithm=AKAv1-MD5'


def test_challenge_round_trip() -> None:
    scheme, params = parse_challenge(CHALLENGE)
    assert (scheme, params["nonce"], params["qop"]) == ("Digest", "a==", "auth,auth-int")
    assert format_challenge(scheme, params) == CHALLENGE


def test_credentials_have_bare_qop_and_nc() -> None:
    text = format_credentials("Digest", {"username": 'a"b', "nc": "00000001", "qop": "auth", "response": ""})
    assert text == 'Digest username="a\\"b", nc=00000001, qop=auth, response=""'
    assert parse_credentials(text)[1]["username"] == 'a"b'


def test_authentication_info_has_no_scheme() -> None:
    text = format_info({"rspauth": "ab", "qop": "auth"})
    assert text == 'rspauth="ab", qop=auth'
    assert parse_auth_params(text) == {"rspauth": "ab", "qop": "auth"}


@pytest.mark.parametrize("text", ["", "realm=x", "Digest realm"])
def test_broken_values_are_refused(text: str) -> None:
    with pytest.raises(SipSyntaxError):
        parse_credentials(text)
