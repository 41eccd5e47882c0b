"""Digest against the examples of RFC 2617, RFC 7616, and formulas written out for AKA."""

from __future__ import annotations

import base64
import hashlib
import hmac

import pytest

from imsproof.codec.digest import Digest, DigestError, aka_password, parse_algorithm

RFC7616 = {
    "username": "Mufasa",
    "realm": "http-auth@example.org",
    "password": b"Circle of Life",
    "method": "GET",
    "uri": "/dir/index.html",
    "nonce": "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
    "qop": "auth",
    "nc": "00000001",
    "cnonce": "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
}


def test_example_of_rfc_2617_3_5() -> None:
    digest = Digest(
        "", "Mufasa", "testrealm@host.com", b"Circle Of Life", "GET", "/dir/index.html",
        "dcd98b7102dd2f0e8b11d0f600bfb0c093", "auth", "00000001", "0a4f113b",
    )  # fmt: skip
    assert digest.response() == "6629fae49393a05397450978507c4ef1"


@pytest.mark.parametrize(
    ("algorithm", "response"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_examples_of_rfc_7616_3_9_1(algorithm: str, response: str) -> None:
    assert Digest(algorithm, **RFC7616).response() == response  # type: ignore[arg-type]


def test_example_of_rfc_7616_3_9_2_without_userhash() -> None:
    """The name is hashed in the header only; the response is computed from the name itself."""
    digest = Digest(
        "SHA-512-256", "J\u00e4s\u00f8n Doe", "api@example.org", b"Secret, or not?", "GET", "/doe.json",
        "5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK", "auth", "00000001",
        "NTg6RKcb9boFIAS3KrFK9BGeh+niz/sm",
    )  # fmt: skip
    ha1 = hashlib.new("sha512_256", "J\u00e4s\u00f8n Doe:api@example.org:Secret, or not?".encode()).hexdigest()
    ha2 = hashlib.new("sha512_256", b"GET:/doe.json").hexdigest()
    joined = f"{ha1}:{digest.nonce}:00000001:{digest.cnonce}:auth:{ha2}".encode()
    assert digest.response() == hashlib.new("sha512_256", joined).hexdigest()


def test_aka_v1_password_is_res_itself() -> None:
    res = bytes.fromhex("a54211d5e3ba50bf")
    assert aka_password("AKAv1-MD5", res, bytes(16), bytes(16)) == res
    digest = Digest("AKAv1-MD5", "u", "r", res, "REGISTER", "sip:r", "n")
    ha1 = hashlib.md5(b"u:r:" + res).hexdigest()
    ha2 = hashlib.md5(b"REGISTER:sip:r").hexdigest()
    assert digest.response() == hashlib.md5(f"{ha1}:n:{ha2}".encode()).hexdigest()


@pytest.mark.parametrize(("algorithm", "name"), [("AKAv2-MD5", "md5"), ("AKAv2-SHA-256", "sha256")])
def test_aka_v2_password_is_keyed_with_res_ik_ck_in_this_order(algorithm: str, name: str) -> None:
    res, ck, ik = b"r" * 8, b"c" * 16, b"i" * 16
    mac = hmac.new(res + ik + ck, b"http-digest-akav2-password", name).digest()
    assert aka_password(algorithm, res, ck, ik) == base64.b64encode(mac)


def test_rspauth_leaves_the_method_out() -> None:
    digest = Digest("MD5", **RFC7616)  # type: ignore[arg-type]
    assert digest.rspauth() != digest.response()
    other = Digest("MD5", **{**RFC7616, "method": ""})  # type: ignore[arg-type]
    assert digest.rspauth() == other.response()


def test_auth_int_covers_the_body() -> None:
    one = Digest("MD5", **{**RFC7616, "qop": "auth-int", "body": b"a"})  # type: ignore[arg-type]
    two = Digest("MD5", **{**RFC7616, "qop": "auth-int", "body": b"b"})  # type: ignore[arg-type]
    assert one.response() != two.response()


def test_session_variants_take_the_nonces_in() -> None:
    plain = Digest("MD5", **RFC7616)  # type: ignore[arg-type]
    session = Digest("MD5-sess", **RFC7616)  # type: ignore[arg-type]
    assert session.response() != plain.response()


def test_unknown_names_are_said_so() -> None:
    with pytest.raises(DigestError, match="SHA-1"):
        parse_algorithm("SHA-1")
    with pytest.raises(DigestError, match="not an AKA"):
        aka_password("MD5", b"", b"", b"")
    with pytest.raises(DigestError, match="qop"):
        Digest("MD5", **{**RFC7616, "qop": "x"}).response()  # type: ignore[arg-type]


def test_names_are_read_in_any_case() -> None:
    assert parse_algorithm("akav2-sha-256-sess") == parse_algorithm("AKAv2-SHA-256-SESS")
