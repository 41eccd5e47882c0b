"""Keys and certificates of the real lab, made afresh at each start: one CA, servers, clients, and a foreign CA."""

from __future__ import annotations

import datetime as dt
import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

DOMAIN = "real.example"
AUTHORISED = "6d0f1c1e-0000-4000-8000-0000000000b1"
OTHER = "6d0f1c1e-0000-4000-8000-0000000000b2"


@dataclass(frozen=True)
class Authority:
    """A CA and where its files go."""

    folder: Path
    name: str
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @classmethod
    def make(cls, folder: Path, name: str) -> Authority:
        """Make a self-signed CA; writes ``<name>.pem`` and ``<name>.key``."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = _name(f"{name} of the real lab")
        constraints, usage = x509.BasicConstraints(ca=True, path_length=0), _usage(ca=True)
        builder = _dates(x509.CertificateBuilder().subject_name(subject).issuer_name(subject))
        certificate = (
            builder.public_key(key.public_key())
            .add_extension(constraints, critical=True)
            .add_extension(usage, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .sign(key, hashes.SHA256())
        )
        made = cls(folder, name, key, certificate)
        made._write(name, certificate, key)
        return made

    def issue(self, file: str, fqdn: str, *, address: str | None = None, instance: str | None = None) -> None:
        """Issue a certificate for both TLS roles; writes ``<file>.pem`` and ``<file>.key``."""
        key = ec.generate_private_key(ec.SECP256R1())
        names: list[x509.GeneralName] = [x509.DNSName(fqdn)]
        if address:
            names.append(x509.IPAddress(ipaddress.ip_address(address)))
        if instance:
            names.append(x509.UniformResourceIdentifier(f"urn:uuid:{instance}"))
        usages = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
        issuer_key = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
        builder = x509.CertificateBuilder().subject_name(_name(fqdn)).issuer_name(self.certificate.subject)
        certificate = (
            _dates(builder)
            .public_key(key.public_key())
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(usages, critical=False)
            .add_extension(_usage(ca=False), critical=True)
            .add_extension(issuer_key, critical=False)
            .sign(self.key, hashes.SHA256())
        )
        self._write(file, certificate, key)

    def _write(self, file: str, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
        (self.folder / f"{file}.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        write_key(self.folder / f"{file}.key", key)


def make(folder: Path, servers: Mapping[str, str]) -> None:
    """Write the lab's PKI into ``folder``; ``servers`` is name to IP address."""
    folder.mkdir(mode=0o700, parents=True)
    ca = Authority.make(folder, "ca")
    for name, address in servers.items():
        ca.issue(name, f"{name}.{DOMAIN}", address=address)
    ca.issue("tester", f"tester.{DOMAIN}", instance=AUTHORISED)
    ca.issue("tester-other", f"tester-other.{DOMAIN}", instance=OTHER)
    Authority.make(folder, "foreign-ca").issue("foreign", f"tester.{DOMAIN}", instance=AUTHORISED)
    token = ec.generate_private_key(ec.SECP256R1())
    write_key(folder / "token.key", token)
    public = token.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    (folder / "token.pub").write_bytes(public)


def write_key(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    """Write a private key that only its owner can read."""
    path.touch(mode=0o600)
    pkcs8, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    path.write_bytes(key.private_bytes(serialization.Encoding.PEM, pkcs8, plain))


def _name(common_name: str) -> x509.Name:
    named = ((NameOID.COUNTRY_NAME, "DE"), (NameOID.ORGANIZATION_NAME, DOMAIN), (NameOID.COMMON_NAME, common_name))
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in named])


def _dates(builder: x509.CertificateBuilder) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    builder = builder.serial_number(x509.random_serial_number())
    return builder.not_valid_before(now - dt.timedelta(hours=1)).not_valid_after(now + dt.timedelta(days=7))


def _usage(*, ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not ca,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=ca,
        crl_sign=ca,
        encipher_only=False,
        decipher_only=False,
    )
