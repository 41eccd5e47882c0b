"""The stapled OCSP response: what must be right in it, one at a time."""

from __future__ import annotations

import base64
import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID
from tests.judge.events import Story

from imsproof.judge.predicates.stapled import stapled
from imsproof.lab import nodes
from imsproof.lab.pki import make_authority, nf_certificate
from imsproof.seams import Kind, Outcome

if TYPE_CHECKING:
    from cryptography import x509

    from imsproof.judge.registry import Finding

X = "1:x"
HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)
DER = serialization.Encoding.DER


def when() -> dt.datetime:
    """The time of the events."""
    return dt.datetime.fromisoformat(Story().add(Kind.HANDSHAKE).events[-1].utc)


NOW = when()
CA, OTHER = make_authority("CA", NOW), make_authority("CA", NOW)
KEY = ec.generate_private_key(ec.SECP256R1())
SERVER, NEIGHBOUR = (nf_certificate(CA, nf, KEY.public_key(), NOW) for nf in (nodes.MF, nodes.NRF))
DELEGATE = nf_certificate(CA, nodes.NRF, KEY.public_key(), NOW, usages=[ExtendedKeyUsageOID.OCSP_SIGNING])
GOOD = ocsp.OCSPCertStatus.GOOD


def response(
    about: x509.Certificate = SERVER,
    signer: x509.Certificate = CA.certificate,
    key: ec.EllipticCurvePrivateKey = CA.key,
    status: ocsp.OCSPCertStatus = GOOD,
    start: dt.datetime = NOW - HOUR,
    end: dt.datetime | None = NOW + HOUR,
) -> bytes:
    builder = ocsp.OCSPResponseBuilder().add_response(
        cert=about,
        issuer=CA.certificate,
        algorithm=hashes.SHA1(),
        cert_status=status,
        this_update=start,
        next_update=end,
        revocation_time=NOW - DAY if status is ocsp.OCSPCertStatus.REVOKED else None,
        revocation_reason=None,
    )
    builder = builder.responder_id(ocsp.OCSPResponderEncoding.NAME, signer)
    if signer is not CA.certificate:
        builder = builder.certificates([signer])
    return builder.sign(key, hashes.SHA256()).public_bytes(DER)


def judged(der: bytes, *chain: x509.Certificate, ca: str = "") -> Finding:
    encoded = [base64.b64encode(one.public_bytes(DER)).decode() for one in (SERVER, *chain)]
    facts: dict[str, Any] = {"stapled": base64.b64encode(der).decode(), "peer_chain": encoded}
    return stapled(Story().add(Kind.HANDSHAKE, **facts).events, exchange=X, ca=ca)


def pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


@pytest.mark.parametrize(
    "der",
    [
        response(),
        response(end=None),
        response(signer=DELEGATE, key=KEY),
        response(start=NOW + dt.timedelta(minutes=1)),
    ],
)
def test_a_right_response_holds_with_the_issuer_from_the_chain_or_the_profile(der: bytes) -> None:
    assert judged(der, CA.certificate).outcome is Outcome.HOLDS
    assert judged(der, ca=pem(OTHER.certificate) + pem(CA.certificate)).outcome is Outcome.HOLDS


TRY_LATER = ocsp.OCSPResponseBuilder.build_unsuccessful(ocsp.OCSPResponseStatus.TRY_LATER).public_bytes(DER)


@pytest.mark.parametrize(
    ("der", "words"),
    [
        (b"", "stapled no"),
        (b"\x30\x00", "cannot be read"),
        (TRY_LATER, "try_later"),
        (response(about=NEIGHBOUR), "another certificate"),
        (response(status=ocsp.OCSPCertStatus.REVOKED), "is revoked"),
        (response(status=ocsp.OCSPCertStatus.UNKNOWN), "is unknown"),
        (response(start=NOW - 3 * DAY, end=NOW - DAY), "renewed by"),
        (response(start=NOW + HOUR, end=NOW + DAY), "ahead"),
        (response(signer=NEIGHBOUR, key=KEY), "no OCSP signing"),
        (response(signer=OTHER.certificate, key=OTHER.key), "neither by"),
    ],
)
def test_what_is_wrong_in_one_thing_fails_with_its_name(der: bytes, words: str) -> None:
    finding = judged(der, CA.certificate)
    assert finding.outcome is Outcome.FAILS
    assert words in finding.sentence


def test_without_the_issuer_it_cannot_be_verified() -> None:
    assert "neither the server's chain nor sbi.ca" in judged(response(), ca=pem(OTHER.certificate)).sentence


def test_without_a_handshake_nothing_is_known() -> None:
    assert stapled(Story().add(Kind.HANDSHAKE).events, exchange=X).outcome is Outcome.UNKNOWN
