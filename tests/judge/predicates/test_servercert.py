"""The server's certificate, field by field."""

from __future__ import annotations

import base64
import datetime as dt
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID
from tests.judge.events import Story

from imsproof.judge.predicates.servercert import FIELDS, certificate_field, server_verified
from imsproof.lab import nodes
from imsproof.lab.pki import make_authority, nf_certificate
from imsproof.seams import Kind, Outcome

H, F, U = Outcome.HOLDS, Outcome.FAILS, Outcome.UNKNOWN
X = "1:x"
NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
KEY = ec.generate_private_key(ec.SECP256R1())
NAMES = [nodes.MF.fqdn]


def shown(certificate: x509.Certificate | bytes, **facts: Any) -> Story:
    der = certificate if isinstance(certificate, bytes) else certificate.public_bytes(serialization.Encoding.DER)
    text = base64.b64encode(der).decode("ascii")
    return Story().add(Kind.OPENED).add(Kind.HANDSHAKE, peer_certificate=text, **facts)


def outcome(certificate: x509.Certificate, field: str, **params: Any) -> Outcome:
    return certificate_field(shown(certificate).events, exchange=X, field=field, **{"names": NAMES, **params}).outcome


def lab_certificate(**how: Any) -> x509.Certificate:
    return nf_certificate(make_authority("CA", NOW), nodes.MF, KEY.public_key(), how.pop("now", NOW), **how)


def plain(
    *extensions: tuple[x509.ExtensionType, bool],
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey = KEY,
    days: int = 30,
) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "x")])
    start = NOW - dt.timedelta(days=1)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, start, start + dt.timedelta(days=days))
    for value, critical in extensions:
        builder = builder.add_extension(value, critical)
    return builder.sign(key, hashes.SHA256())


@pytest.mark.parametrize("field", FIELDS)
def test_the_labs_certificate_keeps_every_field(field: str) -> None:
    assert outcome(lab_certificate(), field, instance_id=nodes.MF.instance_id.upper()) is H


@pytest.mark.parametrize(
    "field",
    [
        "names",
        "subject",
        "key-usage",
        "both-usages",
        "san-critical",
        "instance-id",
        "authority-key-id",
        "crl-point",
        "nf-types",
    ],
)
def test_a_bare_certificate_lacks_what_the_profile_asks_for(field: str) -> None:
    assert outcome(plain(), field) is F


def test_a_certificate_is_valid_at_the_time_of_the_journal() -> None:
    assert outcome(lab_certificate(now=NOW - dt.timedelta(days=100)), "validity") is F
    assert outcome(lab_certificate(now=NOW + dt.timedelta(days=100)), "validity") is F


def test_another_name_another_instance_and_other_usages_are_seen() -> None:
    assert outcome(lab_certificate(), "names", names=["other.example", "127.0.0.1"]) is F
    assert outcome(lab_certificate(), "instance-id", instance_id="6d0f1c1e-0000-4000-8000-00000000dead") is F
    assert outcome(lab_certificate(usages=[ExtendedKeyUsageOID.CLIENT_AUTH]), "server-auth") is F
    assert outcome(plain(), "server-auth") is H


def test_another_name_decides_nothing_where_the_profile_does_not_declare_one() -> None:
    assert outcome(lab_certificate(), "names", names=["other.example"], unless_declared="a name") is U
    assert outcome(lab_certificate(), "names", unless_declared="a name") is H


def test_addresses_and_wildcards_count_as_names() -> None:
    import ipaddress  # noqa: PLC0415 - for this test alone

    names = [x509.DNSName("*.ims.example"), x509.IPAddress(ipaddress.ip_address("::1"))]
    certificate = plain((x509.SubjectAlternativeName(names), False))
    assert outcome(certificate, "names", names=["mf.ims.example"]) is H
    assert outcome(certificate, "names", names=["a.b.ims.example"]) is F
    assert outcome(certificate, "names", names=["0:0::1"]) is H


def test_weak_keys_and_long_lives_are_seen() -> None:
    assert outcome(plain(key=rsa.generate_private_key(65537, 1024)), "key") is F
    assert outcome(plain(days=4 * 365), "lifetime") is F


def test_what_cannot_be_read_is_a_flaw_and_what_was_not_shown_cannot_be_told() -> None:
    assert certificate_field(shown(b"no certificate").events, exchange=X, field="key").outcome is F
    assert certificate_field([], exchange=X, field="key").outcome is U
    assert server_verified([], exchange=X).outcome is U


def test_the_chain_is_what_the_handshake_said() -> None:
    assert server_verified(shown(plain(), verified="ok").events, exchange=X).outcome is H
    assert server_verified(shown(plain(), verified="error 20 at depth 0").events, exchange=X).outcome is F
