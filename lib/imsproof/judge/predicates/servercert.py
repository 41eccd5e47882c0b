"""The server's certificate, field by field (TS 33.310 clause 6.1.3c, RFC 5280, RFC 9310)."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import ipaddress
from typing import TYPE_CHECKING, TypeVar

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from imsproof.judge.effect import of_exchange
from imsproof.judge.registry import Finding, fails, holds, predicate, unknown
from imsproof.seams import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from imsproof.seams import Event, Events

T = TypeVar("T", bound=x509.ExtensionType)
NF_TYPES = ObjectIdentifier("1.3.6.1.5.5.7.1.34")
LONGEST = dt.timedelta(days=3 * 366)
RSA_BITS, EC_BITS, SERIAL_BITS = 2048, 256, 160
STRONG_HASHES = ("sha256", "sha384", "sha512", "sha3-256", "sha3-384", "sha3-512")


@predicate("server-verified")
def server_verified(events: Events, *, exchange: str) -> Finding:
    """The server's certificate verifies up to the profile's trust anchor."""
    done = _handshake(events, exchange)
    if done is None:
        return unknown(f"{exchange}: no handshake, so no certificate to look at")
    found = str(done.facts.get("verified", ""))
    if found == "ok":
        return holds(f"{exchange}: the certificate verifies up to the trust anchor", done.seq)
    return fails(f"{exchange}: the certificate does not verify up to the profile's trust anchor: {found}", done.seq)


@predicate("certificate-field")
def certificate_field(
    events: Events,
    *,
    exchange: str,
    field: str,
    names: Sequence[str] = (),
    instance_id: str = "",
    unless_declared: str = "",
) -> Finding:
    """One field of the server's certificate is as the SBA profile asks.

    Args:
        events: the journal.
        exchange: the conversation with the handshake.
        field: a key of :data:`FIELDS`.
        names: host names or addresses, one of which it must be for.
        instance_id: the NF instance that it must name, where that is known.
        unless_declared: where the profile does not say the server's name, what to give: another name decides nothing.
    """
    done = _handshake(events, exchange)
    if done is None:
        return unknown(f"{exchange}: no handshake, so no certificate to look at")
    try:
        certificate = x509.load_der_x509_certificate(base64.b64decode(str(done.facts.get("peer_certificate", ""))))
        check = _Certificate(certificate, dt.datetime.fromisoformat(done.utc), tuple(names), instance_id)
        told = FIELDS[field](check)
    except (ValueError, binascii.Error) as error:
        return fails(f"{exchange}: the certificate's {field} cannot be read: {error}", done.seq)
    if told and unless_declared:
        return unknown(f"{exchange}: the server's certificate: {told}; give {unless_declared}", done.seq)
    if told:
        return fails(f"{exchange}: the server's certificate: {told}", done.seq)
    return holds(f"{exchange}: the server's certificate: {field} is right", done.seq)


class _Certificate:
    """A certificate with what it is held against; each check returns what is wrong, or an empty text."""

    def __init__(
        self, certificate: x509.Certificate, now: dt.datetime, names: tuple[str, ...], instance_id: str
    ) -> None:
        self.certificate = certificate
        self.now = now
        self.expected = names
        self.instance_id = instance_id.lower()

    def extension(self, kind: type[T]) -> x509.Extension[T] | None:
        try:
            return self.certificate.extensions.get_extension_for_class(kind)
        except x509.ExtensionNotFound:
            return None

    def validity(self) -> str:
        start, end = self.certificate.not_valid_before_utc, self.certificate.not_valid_after_utc
        return "" if start <= self.now <= end else f"valid from {start:%Y-%m-%d} to {end:%Y-%m-%d}, which is not now"

    def names(self) -> str:
        found = self.extension(x509.SubjectAlternativeName)
        dns = [name.lower() for name in found.value.get_values_for_type(x509.DNSName)] if found else []
        addresses = [str(one) for one in found.value.get_values_for_type(x509.IPAddress)] if found else []
        for name in self.expected:
            if _is_address(name):
                if str(ipaddress.ip_address(name)) in addresses:
                    return ""
            elif any(_covers(pattern, name.lower()) for pattern in dns):
                return ""
        held = ", ".join([*dns, *addresses]) or "nothing"
        return f"it is for {held}, not for {' or '.join(self.expected)}"

    def server_auth(self) -> str:
        found = self.extension(x509.ExtendedKeyUsage)
        if found is None or ExtendedKeyUsageOID.SERVER_AUTH in found.value:
            return ""
        return "the extended key usage lacks serverAuth"

    def key(self) -> str:
        key = self.certificate.public_key()
        if isinstance(key, rsa.RSAPublicKey):
            return (
                "" if key.key_size >= RSA_BITS else f"an RSA key of {key.key_size} bits, at least {RSA_BITS} expected"
            )
        if isinstance(key, ec.EllipticCurvePublicKey):
            return "" if key.curve.key_size >= EC_BITS else f"an EC key of {key.curve.key_size} bits"
        return "" if isinstance(key, ed25519.Ed25519PublicKey | ed448.Ed448PublicKey) else "a key of a kind not in use"

    def signature(self) -> str:
        algorithm = self.certificate.signature_hash_algorithm
        if algorithm is None or algorithm.name in STRONG_HASHES:
            return ""
        return f"signed with {algorithm.name}"

    def version(self) -> str:
        return "" if self.certificate.version is x509.Version.v3 else "not of version 3"

    def serial(self) -> str:
        return "" if 0 < self.certificate.serial_number < 1 << SERIAL_BITS else "the serial number has over 20 octets"

    def subject(self) -> str:
        present = {attribute.oid for attribute in self.certificate.subject}
        wanted = {"C": NameOID.COUNTRY_NAME, "O": NameOID.ORGANIZATION_NAME}
        missing = [name for name, oid in wanted.items() if oid not in present]
        return f"the subject lacks {' and '.join(missing)}" if missing else ""

    def lifetime(self) -> str:
        span = self.certificate.not_valid_after_utc - self.certificate.not_valid_before_utc
        return "" if span <= LONGEST else f"valid for {span.days} days, three years at most expected"

    def key_usage(self) -> str:
        found = self.extension(x509.KeyUsage)
        if found is None:
            return "no key usage"
        if not found.value.digital_signature:
            return "the key usage lacks digitalSignature"
        return "" if found.critical else "the key usage is not critical"

    def both_usages(self) -> str:
        found = self.extension(x509.ExtendedKeyUsage)
        wanted = {"clientAuth": ExtendedKeyUsageOID.CLIENT_AUTH, "serverAuth": ExtendedKeyUsageOID.SERVER_AUTH}
        missing = [name for name, oid in wanted.items() if found is None or oid not in found.value]
        return f"the extended key usage lacks {' and '.join(missing)}" if missing else ""

    def san_critical(self) -> str:
        found = self.extension(x509.SubjectAlternativeName)
        if found is None:
            return "no subjectAltName"
        return "" if found.critical else "the subjectAltName is not critical"

    def instance(self) -> str:
        found = self.extension(x509.SubjectAlternativeName)
        uris = found.value.get_values_for_type(x509.UniformResourceIdentifier) if found else []
        ids = [uri.lower().removeprefix("urn:uuid:") for uri in uris if uri.lower().startswith("urn:uuid:")]
        if not ids:
            return "the subjectAltName names no NF instance (urn:uuid)"
        if self.instance_id and self.instance_id not in ids:
            return f"the subjectAltName names NF instance {ids[0]}, not {self.instance_id}"
        return ""

    def authority_key_id(self) -> str:
        return "" if self.extension(x509.AuthorityKeyIdentifier) else "no authorityKeyIdentifier"

    def crl_point(self) -> str:
        return "" if self.extension(x509.CRLDistributionPoints) else "no CRL distribution point"

    def nf_types(self) -> str:
        found = [one for one in self.certificate.extensions if one.oid == NF_TYPES]
        return "" if found else "no nfTypes extension (RFC 9310)"


FIELDS: dict[str, Callable[[_Certificate], str]] = {
    "validity": _Certificate.validity,
    "names": _Certificate.names,
    "server-auth": _Certificate.server_auth,
    "key": _Certificate.key,
    "signature": _Certificate.signature,
    "version": _Certificate.version,
    "serial": _Certificate.serial,
    "subject": _Certificate.subject,
    "lifetime": _Certificate.lifetime,
    "key-usage": _Certificate.key_usage,
    "both-usages": _Certificate.both_usages,
    "san-critical": _Certificate.san_critical,
    "instance-id": _Certificate.instance,
    "authority-key-id": _Certificate.authority_key_id,
    "crl-point": _Certificate.crl_point,
    "nf-types": _Certificate.nf_types,
}
"""The checks by field name."""


def shortcomings(certificate: x509.Certificate, now: dt.datetime, fields: Sequence[str]) -> list[str]:
    """Return what is wrong with these fields (keys of :data:`FIELDS`) of a certificate; empty when nothing is."""
    check = _Certificate(certificate, now, (), "")
    return [told for field in fields if (told := FIELDS[field](check))]


def _covers(pattern: str, name: str) -> bool:
    if pattern.startswith("*."):
        return name.partition(".")[2] == pattern[2:]
    return pattern == name


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _handshake(events: Events, exchange: str) -> Event | None:
    own = of_exchange(events, exchange)
    return next((event for event in own if event.kind is Kind.HANDSHAKE and event.transport == "tls"), None)
