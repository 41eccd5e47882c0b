"""The lab's own certification authority and every certificate in it, made afresh at each start.

End-entity certificates keep the NF profile of TS 33.310 clause 6.1.3c: version 3, SAN critical with FQDN and
``urn:uuid:`` of the NF instance, both extended key usages, critical digitalSignature, CRL distribution point,
authority key identifier, and the nfTypes extension of RFC 9310.
"""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from imsproof.lab import nodes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

NF_TYPES_OID = ObjectIdentifier("1.3.6.1.5.5.7.1.34")
ORGANISATION = "ims.mnc001.mcc001.3gppnetwork.org"
CRL_URL = f"http://crl.{nodes.DOMAIN}/sba.crl"
VALIDITY = dt.timedelta(days=30)
EARLIER = dt.timedelta(hours=1)
BOTH_USAGES = (ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH)
WEAK_BITS = 1024
PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey
PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
DER_SEQUENCE, DER_IA5 = 0x30, 0x16


@dataclass(frozen=True, slots=True)
class Authority:
    """A certification authority: certificate and key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


@dataclass(frozen=True, slots=True)
class Pki:
    """Where the PEM files lie. ``<name>.pem`` is a certificate, ``<name>.key`` its private key (PKCS #8)."""

    directory: Path

    @property
    def ca(self) -> Path:
        """The trust anchor of every SBI node."""
        return self.directory / "ca.pem"

    @property
    def crl(self) -> Path:
        """The revocation list of the trust anchor."""
        return self.directory / "ca.crl"

    @property
    def token_key(self) -> Path:
        """The NRF's key for signing access tokens."""
        return self.directory / "nrf-token.key"

    @property
    def token_public_key(self) -> Path:
        """The public half, as the producers hold it."""
        return self.directory / "nrf-token.pub.pem"

    def certificate(self, name: str) -> Path:
        """Return the path of a certificate."""
        return self.directory / f"{name}.pem"

    def key(self, name: str) -> Path:
        """Return the path of a private key."""
        return self.directory / f"{name}.key"


def make_pki(directory: Path, *, now: dt.datetime | None = None) -> Pki:
    """Write the whole PKI into ``directory`` (made if missing, readable by the owner only) and say where it lies.

    Besides the lab's nodes there are the tester's consumers, one of them revoked, and a rogue authority that no node
    trusts, with a client whose certificate claims the identity of the first consumer.
    """
    now = now or dt.datetime.now(dt.UTC)
    directory.mkdir(parents=True, exist_ok=True)
    directory.chmod(0o700)
    pki = Pki(directory)
    authority = make_authority("imsproof lab CA", now)
    _write(pki, "ca", authority.certificate, authority.key)
    for nf in (*nodes.LAB_NFS, *nodes.TESTER_NFS):
        _issue(pki, authority, nf, nf.name, now)
    for name in ("pcscf", "scscf", "kms"):  # TLS on Gm, between SIP nodes, and towards UEs
        _issue(pki, authority, nodes.Nf(name, name.upper(), str(uuid.uuid5(uuid.NAMESPACE_DNS, name))), name, now)
    revoked = _issue(pki, authority, nodes.TESTER_REVOKED, nodes.TESTER_REVOKED.name, now)
    rogue = make_authority("imsproof rogue CA", now)
    _write(pki, "rogue-ca", rogue.certificate, rogue.key)
    _issue(pki, rogue, nodes.TESTER_AS, "rogue", now)
    pki.crl.write_bytes(_crl(authority, [revoked.serial_number], now).public_bytes(serialization.Encoding.PEM))
    _odd_servers(pki, authority, rogue, now)
    token_key = ec.generate_private_key(ec.SECP256R1())
    _write_key(pki.token_key, token_key)
    pki.token_public_key.write_bytes(_public_pem(token_key))
    return pki


def _odd_servers(pki: Pki, authority: Authority, rogue: Authority, now: dt.datetime) -> None:
    """Write the certificates that the MF shows under a planted fault: each wrong in one thing."""
    _issue(pki, authority, nodes.MF, "mf-expired", now - 2 * VALIDITY)
    _issue(pki, authority, nodes.IMS_AS, "mf-misnamed", now)
    _issue(pki, rogue, nodes.MF, "mf-untrusted", now)
    key = ec.generate_private_key(ec.SECP256R1())
    client = nf_certificate(authority, nodes.MF, key.public_key(), now, usages=[ExtendedKeyUsageOID.CLIENT_AUTH])
    _write(pki, "mf-client", client, key)
    weak = rsa.generate_private_key(65537, WEAK_BITS)
    _write(pki, "mf-weak", nf_certificate(authority, nodes.MF, weak.public_key(), now), weak)


def make_authority(common_name: str, now: dt.datetime) -> Authority:
    """Return a self-signed authority that may sign certificates and revocation lists."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name(common_name)
    certificate = (
        _builder(name, name, key.public_key(), now)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(authority=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return Authority(certificate, key)


def nf_certificate(
    authority: Authority,
    nf: nodes.Nf,
    public_key: PublicKey,
    now: dt.datetime,
    usages: Sequence[ObjectIdentifier] = BOTH_USAGES,
) -> x509.Certificate:
    """Return an end-entity certificate for ``nf`` in the SBA profile (TS 33.310 clause 6.1.3c)."""
    names = [x509.DNSName(nf.fqdn), x509.UniformResourceIdentifier(f"urn:uuid:{nf.instance_id}")]
    point = x509.DistributionPoint([x509.UniformResourceIdentifier(CRL_URL)], None, None, None)
    return (
        _builder(_name(nf.fqdn), authority.certificate.subject, public_key, now)
        .add_extension(x509.SubjectAlternativeName(names), critical=True)
        .add_extension(_key_usage(authority=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key()), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
        .add_extension(x509.CRLDistributionPoints([point]), critical=False)
        .add_extension(x509.UnrecognizedExtension(NF_TYPES_OID, nf_types_der(nf.nf_type)), critical=False)
        .sign(authority.key, hashes.SHA256())
    )


def nf_types_der(*nf_types: str) -> bytes:
    """Return ``NFTypes ::= SEQUENCE OF IA5String`` (RFC 9310), for types that fit short lengths (127 octets)."""
    items = b"".join(bytes([DER_IA5, len(nf_type)]) + nf_type.encode("ascii") for nf_type in nf_types)
    return bytes([DER_SEQUENCE, len(items)]) + items


def parse_nf_types(der: bytes) -> tuple[str, ...]:
    """Return the NF types of an nfTypes extension; empty when it is not well formed."""
    found: list[str] = []
    if len(der) < 2 or der[0] != DER_SEQUENCE or der[1] != len(der) - 2:
        return ()
    rest = der[2:]
    while rest:
        if len(rest) < 2 or rest[0] != DER_IA5 or len(rest) < 2 + rest[1]:
            return ()
        found.append(rest[2 : 2 + rest[1]].decode("ascii", "replace"))
        rest = rest[2 + rest[1] :]
    return tuple(found)


def _issue(pki: Pki, authority: Authority, nf: nodes.Nf, name: str, now: dt.datetime) -> x509.Certificate:
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = nf_certificate(authority, nf, key.public_key(), now)
    _write(pki, name, certificate, key)
    return certificate


def _builder(subject: x509.Name, issuer: x509.Name, public_key: PublicKey, now: dt.datetime) -> x509.CertificateBuilder:
    return x509.CertificateBuilder(
        issuer_name=issuer,
        subject_name=subject,
        public_key=public_key,
        serial_number=x509.random_serial_number(),
        not_valid_before=now - EARLIER,
        not_valid_after=now + VALIDITY,
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "DE"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, ORGANISATION),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


def _key_usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )


def _crl(authority: Authority, serials: list[int], now: dt.datetime) -> x509.CertificateRevocationList:
    builder = x509.CertificateRevocationListBuilder(
        issuer_name=authority.certificate.subject, last_update=now - EARLIER, next_update=now + VALIDITY
    )
    for serial in serials:
        entry = x509.RevokedCertificateBuilder(serial_number=serial, revocation_date=now - EARLIER).build()
        builder = builder.add_revoked_certificate(entry)
    return builder.sign(authority.key, hashes.SHA256())


def _write(pki: Pki, name: str, certificate: x509.Certificate, key: PrivateKey) -> None:
    pki.certificate(name).write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    _write_key(pki.key(name), key)


def _write_key(path: Path, key: PrivateKey) -> None:
    path.touch(mode=0o600)
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )


def _public_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
