"""Certificates and keys of SBI nodes of any manners: an authority, what it issued, and the key that signs tokens."""

from __future__ import annotations

import datetime as dt
import ipaddress
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

if TYPE_CHECKING:
    from pathlib import Path

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
NODE = "0d000000-0000-4000-8000-0000000000{:02x}"
CLIENTS = {"one": NODE.format(1), "two": NODE.format(2), "stranger": NODE.format(3)}
SERVER, NRF = NODE.format(0x50), NODE.format(0x70)
USAGE = {"client": ExtendedKeyUsageOID.CLIENT_AUTH, "server": ExtendedKeyUsageOID.SERVER_AUTH}
SIGNING = {
    "digital_signature": True,
    "content_commitment": False,
    "key_encipherment": False,
    "data_encipherment": False,
}
NO_CA = {
    "key_agreement": False,
    "key_cert_sign": False,
    "crl_sign": False,
    "encipher_only": False,
    "decipher_only": False,
}
DAY = dt.timedelta(days=1)


class Authority:
    """An authority, below another one or not."""

    def __init__(self, name: str, above: Authority | None = None) -> None:
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.key: Key = ec.generate_private_key(ec.SECP256R1())
        usage = x509.KeyUsage(
            **{**SIGNING, **NO_CA, "digital_signature": False, "key_cert_sign": True, "crl_sign": True}
        )
        self.certificate = _sign(
            self.name,
            self.key,
            above or self,
            [(x509.BasicConstraints(ca=True, path_length=None), True), (usage, True)],
        )
        self.chain = [self.certificate] if above else []

    def issue(self, name: str, instance: str, kind: str, key: Key | None = None) -> tuple[bytes, bytes]:
        """Certificate with its chain, and key, of an NF (PEM); ``kind`` is client or server."""
        own = key or ec.generate_private_key(ec.SECP256R1())
        names: list[x509.GeneralName] = [
            x509.DNSName(f"{name}.odd.example"),
            x509.UniformResourceIdentifier(f"urn:uuid:{instance}"),
            *([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))] if kind == "server" else []),
        ]
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{name}.odd.example")])
        leaf = _sign(
            subject,
            own,
            self,
            [
                (x509.BasicConstraints(ca=False, path_length=None), True),
                (x509.KeyUsage(**{**SIGNING, **NO_CA}), True),
                (x509.ExtendedKeyUsage([USAGE[kind]]), False),
                (x509.SubjectAlternativeName(names), False),
            ],
        )
        return b"".join(one.public_bytes(serialization.Encoding.PEM) for one in (leaf, *self.chain)), pem(own)


def _sign(
    subject: x509.Name, key: Key, issuer: Authority, extensions: list[tuple[x509.ExtensionType, bool]]
) -> x509.Certificate:
    now = dt.datetime.now(dt.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - DAY)
        .not_valid_after(now + 90 * DAY)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key()), critical=False)
    )
    for value, critical in extensions:
        builder = builder.add_extension(value, critical)
    return builder.sign(issuer.key, hashes.SHA256())


def pem(key: Key) -> bytes:
    """The private key."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def write(folder: Path) -> None:
    """Write everything that the producers of the test and its profiles need into ``folder``."""
    root = Authority("odd root")
    between = Authority("odd intermediate", root)
    public = serialization.Encoding.PEM
    (folder / "ca.pem").write_bytes(root.certificate.public_bytes(public))
    (folder / "ca.key").write_bytes(pem(root.key))
    for name, instance in CLIENTS.items():
        _pair(folder, name, root.issue(name, instance, "client"))
    keys: dict[str, Key] = {
        "server": ec.generate_private_key(ec.SECP256R1()),
        "p384": ec.generate_private_key(ec.SECP384R1()),
        "rsa": rsa.generate_private_key(65537, 2048),
        "ed25519": ed25519.Ed25519PrivateKey.generate(),
    }
    for name, key in keys.items():
        _pair(folder, name, root.issue("producer", SERVER, "server", key))
    _pair(folder, "below", between.issue("producer", SERVER, "server"))
    _pair(folder, "nrf", root.issue("nrf", NRF, "server"))
    for name, one in {"ES256": ec.generate_private_key(ec.SECP256R1()), "RS256": keys["rsa"]}.items():
        (folder / f"token-{name}.key").write_bytes(pem(one))


def _pair(folder: Path, name: str, made: tuple[bytes, bytes]) -> None:
    (folder / f"{name}.pem").write_bytes(made[0])
    (folder / f"{name}.key").write_bytes(made[1])
