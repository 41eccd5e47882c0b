"""Tokens: what we sign a second library accepts, and every forgery it refuses."""

from __future__ import annotations

import contextlib
import json

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OctKey, RSAKey

from imsproof.codec import jose

KEY = ec.generate_private_key(ec.SECP256R1())
ATTACKER = ec.generate_private_key(ec.SECP256R1())
PUBLIC_PEM = KEY.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
CLAIMS = {"iss": "nrf", "sub": "as", "aud": "MF", "scope": "nmf-mrm", "exp": 4_000_000_000}
TOKEN = jose.encode({"alg": "ES256", "typ": "JWT"}, CLAIMS, jose.signer("ES256", KEY))


def accepts(token: str, pem: bytes = PUBLIC_PEM) -> bool:
    try:
        jwt.decode(token, ECKey.import_key(pem.decode()), algorithms=["ES256"])
    except (JoseError, ValueError):
        return False
    return True


def test_a_second_library_accepts_what_we_sign_with_es256() -> None:
    assert jwt.decode(TOKEN, ECKey.import_key(PUBLIC_PEM.decode()), algorithms=["ES256"]).claims == CLAIMS


def test_a_second_library_accepts_rs256_ps256_and_hs256() -> None:
    private = rsa.generate_private_key(65537, 2048)
    pem = private.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    for algorithm in ("RS256", "PS256"):
        token = jose.encode({"alg": algorithm}, CLAIMS, jose.signer(algorithm, private))
        assert jwt.decode(token, RSAKey.import_key(pem.decode()), algorithms=[algorithm]).claims == CLAIMS
    secret = b"a secret of thirty-two octets..."
    token = jose.encode({"alg": "HS256"}, CLAIMS, jose.signer("HS256", secret))
    assert jwt.decode(token, OctKey.import_key(secret), algorithms=["HS256"]).claims == CLAIMS


def test_the_example_of_rfc_7515_a1_comes_out_to_the_letter() -> None:
    """RFC 7515 appendix A.1: raw bytes of header and payload are kept, the HMAC is right."""
    key = jose.b64url_decode("AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow")
    header = b'{"typ":"JWT",\r\n "alg":"HS256"}'
    claims = b'{"iss":"joe",\r\n "exp":1300819380,\r\n "http://example.com/is_root":true}'
    assert jose.encode(header, claims, jose.hmac_signer(key)).endswith(".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")


def test_a_key_of_the_wrong_kind_is_refused_with_a_message() -> None:
    with pytest.raises(ValueError, match="cannot sign ES256 with a key of kind bytes"):
        jose.signer("ES256", b"secret")
    with pytest.raises(ValueError, match="cannot sign ES256"):
        jose.signer("ES256", ec.generate_private_key(ec.SECP384R1()))


FORGERIES = {
    "tampered": jose.tampered_signature(TOKEN),
    "altered": jose.altered_claims(TOKEN, {"aud": "NRF"}),
    "dropped": jose.altered_claims(TOKEN, {}, drop=("exp",)),
    "stripped": jose.stripped(TOKEN),
    "stripped-dot": jose.stripped(TOKEN, keep_dot=False),
    "hmac": jose.hmac_with_public_key(TOKEN, PUBLIC_PEM),
    "zero": jose.zero_signature(TOKEN),
    "jwk": jose.with_key_in_header(TOKEN, ATTACKER),
    "jku": jose.with_key_at(TOKEN, ATTACKER, "jku", "https://127.0.0.1/keys"),
    "x5u": jose.with_key_at(TOKEN, ATTACKER, "x5u", "https://127.0.0.1/chain"),
    "kid": jose.with_kid(TOKEN, ATTACKER, "../../../../dev/null"),
    "crit": jose.with_critical(TOKEN, jose.signer("ES256", KEY)),
    **{f"none {spelling!r}": jose.unsecured(TOKEN, spelling) for spelling in jose.NONE_SPELLINGS},
    "none, signature kept": jose.unsecured(TOKEN, keep_signature=True),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_sound_verifier_refuses_the_forgery(name: str) -> None:
    assert accepts(TOKEN)
    assert FORGERIES[name] != TOKEN
    assert not accepts(FORGERIES[name])


def test_a_forgery_changes_what_it_names_and_nothing_else() -> None:
    header, claims, signature = jose.parse_unverified(TOKEN)
    assert jose.parse_unverified(FORGERIES["altered"]) == (header, {**claims, "aud": "NRF"}, signature)
    assert jose.parse_unverified(FORGERIES["tampered"])[:2] == (header, claims)
    assert jose.parse_unverified(FORGERIES["hmac"]).header == {**header, "alg": "HS256"}
    assert "exp" not in jose.parse_unverified(FORGERIES["dropped"]).claims


def test_the_embedded_key_verifies_the_token_that_carries_it() -> None:
    """The forgery is only worth something if a verifier that trusts the header's key would take it."""
    token = FORGERIES["jwk"]
    key = ECKey.import_key(jose.parse_unverified(token).header["jwk"])
    assert (
        jws.deserialize_compact(token, key, algorithms=["ES256"]).payload
        == json.dumps(CLAIMS, separators=(",", ":")).encode()
    )


def test_a_duplicate_claim_stands_twice_in_the_payload() -> None:
    token = jose.with_duplicate_claim(TOKEN, jose.signer("ES256", KEY), "aud", "NRF")
    pairs = json.loads(jose.b64url_decode(token.split(".")[1]), object_pairs_hook=list)
    assert [value for name, value in pairs if name == "aud"] == ["NRF", "MF"]
    assert accepts(token)


@given(st.binary())
def test_base64url_round_trip(data: bytes) -> None:
    assert jose.b64url_decode(jose.b64url(data)) == data


@given(st.text())
def test_any_text_parses_or_is_refused_by_name(text: str) -> None:
    with contextlib.suppress(jose.JoseSyntaxError):
        jose.parse_unverified(text)


@pytest.mark.parametrize("text", ["", "a.b", "a.b.c.d", "!.e30.e30", "W10.e30.", "e30.W10.", "e30.e30.=", "é.e30."])
def test_what_is_not_a_token_is_refused(text: str) -> None:
    with pytest.raises(jose.JoseSyntaxError):
        jose.parse_unverified(text)


def test_nesting_without_end_is_refused() -> None:
    with pytest.raises(jose.JoseSyntaxError):
        jose.parse_unverified(f"e30.{jose.b64url(b'[' * 200_000)}.")


@given(st.dictionaries(st.text(), st.integers() | st.text() | st.lists(st.text())))
def test_claims_come_back_as_they_went_in(claims: dict[str, object]) -> None:
    token = jose.encode({"alg": "HS256"}, claims, jose.hmac_signer(b"k"))
    assert jose.parse_unverified(token).claims == claims
