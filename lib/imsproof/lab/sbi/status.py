"""Whether a client's certificate is revoked, asked where the certificate says: its OCSP responder, its list.

RFC 6960 (OCSP), RFC 5280 section 6.3 (lists). The lab asks at addresses of this machine only.
"""

from __future__ import annotations

import datetime as dt
from functools import lru_cache
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID

from imsproof.codec import ocspsigner
from imsproof.lab.sbi.client import TIMEOUT

if TYPE_CHECKING:
    from collections.abc import Iterable

    from imsproof.lab.pki import Pki
    from imsproof.lab.sbi.policy import SbiPolicy

REQUEST_TYPE = "application/ocsp-request"


async def why_not_good(der: bytes, pki: Pki, policy: SbiPolicy) -> str:
    """Return why a client's certificate is not to be trusted, ``""`` when it is, or names nobody to ask."""
    responder, point = _whom_to_ask(der)
    responder, point = responder if policy.ask_responder else "", point if policy.fetch_crl else ""
    if not responder and not point:
        return ""
    certificate = x509.load_der_x509_certificate(der)
    issuer = x509.load_pem_x509_certificate(pki.ca.read_bytes())
    now = dt.datetime.now(dt.UTC)
    async with httpx.AsyncClient(timeout=TIMEOUT, trust_env=False, verify=False) as http:  # noqa: S501 - no TLS here
        try:
            if responder:
                body = _request(certificate, issuer)
                answer = await http.post(responder, content=body, headers={"content-type": REQUEST_TYPE})
                told = _by_response(answer.content, certificate, issuer, now, policy)
                if told or not point:
                    return told
            answer = await http.get(point)
            return _by_list(answer.content, certificate, issuer, now, policy)
        except (httpx.HTTPError, ValueError) as error:
            return f"no status can be had: {error}" if policy.status_required else ""


@lru_cache(maxsize=256)
def _whom_to_ask(der: bytes) -> tuple[str, str]:
    """The responder and the list that a certificate names, ``""`` for none."""
    certificate = x509.load_der_x509_certificate(der)
    try:
        return _here(_responders(certificate)), _here(_points(certificate))
    except ValueError:
        return "", ""


def _by_response(
    der: bytes, certificate: x509.Certificate, issuer: x509.Certificate, now: dt.datetime, policy: SbiPolicy
) -> str:
    response = ocsp.load_der_ocsp_response(der)
    if response.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
        return f"the responder answers {response.response_status.name}" if policy.status_required else ""
    if "signer" not in policy.status_flaws and not _rightly_signed(response, issuer, policy):
        return "the OCSP response is of nobody who may sign it" if policy.status_required else ""
    if "serial" not in policy.status_flaws and response.serial_number != certificate.serial_number:
        return "the OCSP response is about another certificate" if policy.status_required else ""
    end = response.next_update_utc
    if "time" not in policy.status_flaws and not response.this_update_utc <= now <= (end or now):
        return "the OCSP response is stale" if policy.status_required else ""
    if response.certificate_status is ocsp.OCSPCertStatus.REVOKED:
        return "the certificate is revoked"
    unknown = response.certificate_status is ocsp.OCSPCertStatus.UNKNOWN and policy.status_required
    return "the responder does not know the certificate" if unknown else ""


def _rightly_signed(response: ocsp.OCSPResponse, issuer: x509.Certificate, policy: SbiPolicy) -> bool:
    if ocspsigner.signed_by(response, issuer):
        return True
    for one in response.certificates:
        if ocspsigner.issued(one, issuer) and ocspsigner.signed_by(response, one):
            return "delegation" in policy.status_flaws or ocspsigner.may_sign(one)
    return False


def _by_list(
    der: bytes, certificate: x509.Certificate, issuer: x509.Certificate, now: dt.datetime, policy: SbiPolicy
) -> str:
    found = x509.load_der_x509_crl(der)
    key = issuer.public_key()
    right = isinstance(key, ec.EllipticCurvePublicKey) and found.is_signature_valid(key)
    if "signer" not in policy.status_flaws and not right:
        return "the list is not its issuer's" if policy.status_required else ""
    end = found.next_update_utc
    if "time" not in policy.status_flaws and not found.last_update_utc <= now <= (end or now):
        return "the list is stale" if policy.status_required else ""
    listed = found.get_revoked_certificate_by_serial_number(certificate.serial_number)
    return "the certificate is revoked" if listed is not None else ""


def _request(certificate: x509.Certificate, issuer: x509.Certificate) -> bytes:
    builder = ocsp.OCSPRequestBuilder().add_certificate(certificate, issuer, hashes.SHA256())
    return builder.build().public_bytes(Encoding.DER)


def _responders(certificate: x509.Certificate) -> Iterable[str]:
    try:
        access = certificate.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    except x509.ExtensionNotFound:
        return []
    return [str(one.access_location.value) for one in access if one.access_method == AuthorityInformationAccessOID.OCSP]


def _points(certificate: x509.Certificate) -> Iterable[str]:
    try:
        points = certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    except x509.ExtensionNotFound:
        return []
    return [str(name.value) for point in points for name in point.full_name or ()]


def _here(urls: Iterable[str]) -> str:
    """The first URL that is of this machine."""
    for url in urls:
        try:
            if urlsplit(url).scheme == "http" and ip_address(urlsplit(url).hostname or "").is_loopback:
                return url
        except ValueError:
            continue
    return ""
