"""DTLS-SRTP that is not ours (RFC 5763, RFC 5764, RFC 8122): for ``odd_gateway.py``."""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from OpenSSL import SSL
from tests.whole.odd_srtp import SUITES, Keys

if TYPE_CHECKING:
    from collections.abc import Callable

PROFILES = {
    b"SRTP_AES128_CM_SHA1_80": "AES_CM_128_HMAC_SHA1_80",
    b"SRTP_AES128_CM_SHA1_32": "AES_CM_128_HMAC_SHA1_32",
    b"SRTP_AEAD_AES_128_GCM": "AEAD_AES_128_GCM",
    b"SRTP_AEAD_AES_256_GCM": "AEAD_AES_256_GCM",
}
GOOD_HASHES = {"sha-1": 40, "sha-224": 56, "sha-256": 64, "sha-384": 96, "sha-512": 128}


def _certificate(*, as_rsa: bool) -> tuple[ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, x509.Certificate]:
    key = rsa.generate_private_key(65537, 2048) if as_rsa else ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "odd gateway")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder(
        name, name, key.public_key(), secrets.randbits(60), now - timedelta(1), now + timedelta(9)
    )
    return key, made.sign(key, hashes.SHA256())


SHOWN = {kind: _certificate(as_rsa=kind) for kind in (False, True)}


def digest(certificate: bytes, name: str) -> str:
    """A fingerprint in hexadecimal, small letters."""
    return hashlib.new(name.replace("-", "", 1), certificate).hexdigest()


@dataclass(frozen=True)
class Prints:
    """What an offer says of its certificate."""

    setup: str
    known: tuple[tuple[str, str], ...]

    @classmethod
    def read(cls, lines: list[str], traits: frozenset[str]) -> Prints:
        """Fingerprints that can be trusted, all of them where no certificate is looked at."""
        found = []
        for line in lines:
            match = re.match(r"a=fingerprint:(\S+) (\S+)", line)
            if match:
                name, value = match[1].lower(), match[2].replace(":", "").lower()
                if GOOD_HASHES.get(name) == len(value) and re.fullmatch("[0-9a-f]+", value):
                    found.append((name, value))
        setup = next((line[8:].strip() for line in lines if line.startswith("a=setup:")), "active")
        return cls(setup, tuple(found))

    @property
    def usable(self) -> bool:
        """Whether there is one."""
        return bool(self.known)

    def matches(self, certificate: bytes, traits: frozenset[str], *, client: bool) -> bool:
        """Whether a certificate is an announced one."""
        if (
            "any-print" in traits
            or (client and "print-as-server" in traits)
            or (not client and "print-as-client" in traits)
        ):
            return True
        size = 8 if "print-start" in traits else 1000
        return any(digest(certificate, name)[:size] == value[:size] for name, value in self.known)


class Association:
    """DTLS in memory."""

    def __init__(self, client: bool, prints: Prints, traits: frozenset[str]) -> None:
        self.client, self.prints, self.traits = client, prints, traits
        self.plain = self.done = self.started = False
        self.flights = 0
        key, self.certificate = SHOWN["rsa" in traits]
        context = SSL.Context(SSL.DTLS_METHOD)
        context.set_min_proto_version(0xFEFD)
        context.use_privatekey(key)
        context.use_certificate(self.certificate)
        context.set_cipher_list(b"ECDHE+AESGCM")
        context.set_tlsext_use_srtp(b":".join(PROFILES))
        need = 0 if "no-certificate" in traits else SSL.VERIFY_FAIL_IF_NO_PEER_CERT
        context.set_verify(SSL.VERIFY_PEER | need, lambda *_: True)
        if "cookies" in traits:
            context.set_options(SSL.OP_COOKIE_EXCHANGE or 0)
            context.set_cookie_generate_callback(lambda _: b"a cookie of ours")
            context.set_cookie_verify_callback(lambda _, cookie: cookie == b"a cookie of ours")
        self.tls = SSL.Connection(context, None)
        self.tls.set_ciphertext_mtu(1200)
        (self.tls.set_connect_state if client else self.tls.set_accept_state)()

    @property
    def announced(self) -> list[str]:
        """Attributes of the answer."""
        der = self.certificate.public_bytes(serialization.Encoding.DER)
        other = SHOWN["rsa" not in self.traits][1].public_bytes(serialization.Encoding.DER)
        pairs = [("sha-256", der)]
        if "many-prints" in self.traits:
            pairs = [("sha-512", other), ("sha-1", der), ("sha-512", der), ("sha-256", other), ("sha-256", der)]
        found = []
        for name, one in pairs:
            text = digest(one, name)
            text = ":".join(text[at : at + 2] for at in range(0, len(text), 2))
            small = "small-letters" in self.traits
            found.append(f"fingerprint:{name.upper() if small else name} {text if small else text.upper()}")
        return found

    def expired(self) -> bool:
        """Whether a flight is to be sent again."""
        return self.started and not self.done and self.tls.DTLSv1_get_timeout() == 0

    def step(self, data: bytes, send: Callable[[bytes], None]) -> tuple[Keys, Keys] | None:
        """Take a datagram, or time; keys of the peer and of its own when they are agreed."""
        if data:
            self.flights += 1
            if "deaf-first" in self.traits and self.flights == 1:
                return None
            self.tls.bio_write(data)
        elif self.started:
            self.tls.DTLSv1_handle_timeout()
        self.started = True
        keys = None
        try:
            if self.done:
                self.tls.recv(4096)
            else:
                self.tls.do_handshake()
                self.done = True
                keys = self._keys()
        except (SSL.WantReadError, SSL.ZeroReturnError):
            pass
        except SSL.Error:
            self.done = True
        while True:
            try:
                out = self.tls.bio_read(65536)
            except SSL.WantReadError:
                break
            send(out)
        return keys

    def _keys(self) -> tuple[Keys, Keys] | None:
        shown = self.tls.get_peer_certificate(as_cryptography=True)
        der = shown.public_bytes(serialization.Encoding.DER) if shown else b""
        if not (shown is None and "no-certificate" in self.traits) and not self.prints.matches(
            der, self.traits, client=self.client
        ):
            return None
        profile = PROFILES.get(self.tls.get_selected_srtp_profile())
        if profile is None:
            self.plain = "no-use-srtp" in self.traits
            return None
        size, salt, _ = SUITES[profile]
        made = self.tls.export_keying_material(b"EXTRACTOR-dtls_srtp", 2 * (size + salt))
        masters = [made[:size] + made[2 * size :][:salt], made[size : 2 * size] + made[2 * size + salt :]]
        flaws = self.traits
        client, server = (Keys(profile, one, b"", flaws) for one in masters)
        return (server, client) if self.client else (client, server)
