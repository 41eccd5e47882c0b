"""Certificates and DTLS of the data-channel peer of any manners (pyOpenSSL over memory); see odd_peer.py."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import os
from functools import cache
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID
from OpenSSL import SSL, crypto
from tests.whole.odd_sctp import digest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.whole.odd_offer import Offer

COOKIE_KEY = os.urandom(16)
CBC_AND_WORSE = b"ALL:eNULL:aNULL:@SECLEVEL=0"
SUITES = {
    "old": CBC_AND_WORSE,
    "weak-key": b"ECDHE+AESGCM:@SECLEVEL=0",
    "chacha": b"ECDHE+CHACHA20",
    "aes-256": b"ECDHE+AES256+AESGCM",
}
KEYS: dict[str, Callable[[], Any]] = {
    "rsa": lambda: rsa.generate_private_key(65537, 3072),
    "weak-key": lambda: rsa.generate_private_key(65537, 1024),
    "p-384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "p-521": lambda: ec.generate_private_key(ec.SECP521R1()),
}
VALID_DAYS = {"expired": (-9, -2), "not-yet": (5, 9), "for-ever": (0, 9999 * 36)}
ALLOW_CLIENT_RENEGOTIATION = 1 << 8
LATE_SECONDS, SLOW_SECONDS = 1.0, 0.2
LATER = {"late", "late-and-silent", "late-verify", "resumes-and-checks"}
"""Who looks at the certificate after the handshake."""
REMEMBERED: set[str] = set()


@cache
def identity(kind: str) -> tuple[crypto.PKey, crypto.X509, bytes]:
    """Key, certificate, and the certificate's DER."""
    key = KEYS.get(kind, lambda: ec.generate_private_key(ec.SECP256R1()))()
    common = x509.NameAttribute(
        x509.NameOID.COMMON_NAME, "ünïcode 数据 ☎ <b>&amp;" if kind == "odd-name" else f"odd {kind}"
    )
    name = x509.Name([] if kind == "no-name" else [common])
    now = dt.datetime.now(dt.UTC)
    first, last = (now + dt.timedelta(days=days) for days in VALID_DAYS.get(kind, (0, 9)))
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, first, last)
    if kind == "extended":
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING])
        made = made.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        made = made.add_extension(usage, critical=True)
    certificate = made.sign(key, hashes.SHA256())
    der = certificate.public_bytes(Encoding.DER)
    return crypto.PKey.from_cryptography_key(key), crypto.X509.from_cryptography(certificate), der


def kind_of(traits: frozenset[str]) -> str:
    """The kind of certificate."""
    return next(iter(traits & {*KEYS, *VALID_DAYS, "odd-name", "no-name", "extended"}), "ec")


def context_of(traits: frozenset[str]) -> SSL.Context:
    """What the traits ask of OpenSSL."""
    context = SSL.Context(SSL.DTLS_METHOD)
    context.set_min_proto_version(0xFEFF if "old" in traits else 0xFEFD)
    context.set_cipher_list(next((SUITES[one] for one in traits & SUITES.keys()), b"ECDHE+AESGCM:ECDHE+CHACHA20"))
    renegotiation = ALLOW_CLIENT_RENEGOTIATION if "renegotiates" in traits else SSL.OP_NO_RENEGOTIATION
    context.set_options(SSL.OP_NO_QUERY_MTU | renegotiation)
    context.set_session_id(b"odd")
    expected = COOKIE_KEY * 15 + COOKIE_KEY[:15] if "long-cookie" in traits else COOKIE_KEY
    context.set_cookie_generate_callback(lambda _: expected)
    context.set_cookie_verify_callback(lambda _, cookie: "any-cookie" in traits or cookie == expected)
    key, certificate, _ = identity(kind_of(traits))
    context.use_privatekey(key)
    context.use_certificate(certificate)
    for kind in ("first issuer", "second issuer") if "chain" in traits else ():
        context.add_extra_chain_cert(identity(kind)[1])
    return context


shared_context = cache(context_of)
"""The same, and one for all calls, so that what one of them got is good in another."""


class Dtls:
    """One DTLS association over memory."""

    def __init__(self, traits: frozenset[str], offer: Offer, *, client: bool, send: Callable[[bytes], None]) -> None:
        self.traits, self.offer, self.client, self.state = traits, offer, client, "new"
        self.listening = bool(traits & {"cookies", "long-cookie", "any-cookie"}) and not client
        self.deaf = "late-start" in traits and not client
        self._send = send
        self._timer: asyncio.TimerHandle | None = None
        context = (shared_context if traits & {"resumes", "resumes-and-checks"} else context_of)(traits)
        self.connection = SSL.Connection(context)
        mode = SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT
        self.connection.set_verify(SSL.VERIFY_NONE if "no-certificate" in traits else mode, self._verify)
        self.connection.set_ciphertext_mtu(300 if "small-datagrams" in traits else 1200)
        if client:
            self.connection.set_connect_state()
        else:
            self.connection.set_accept_state()

    def _verify(self, _: Any, certificate: crypto.X509, __: int, depth: int, ___: int) -> bool:
        return depth > 0 or bool(self.traits & LATER) or self.state == "up" or self.matches(certificate)

    def matches(self, certificate: crypto.X509 | None) -> bool:
        """Whether a certificate is the offered one."""
        traits = self.traits
        if "any-certificate" in traits or ("client-trusts" in traits and self.client):
            return True
        if "fail-open" in traits and not self.offer.fingerprints:
            return True
        der = b"" if certificate is None else crypto.dump_certificate(crypto.FILETYPE_ASN1, certificate)
        part = slice(0, 11) if "prefix" in traits else slice(-11, None) if "suffix" in traits else slice(None)
        trusted = self.offer.trusted(traits)
        if "remembers" in traits:
            trusted |= {("sha-256", one) for one in REMEMBERED}
            REMEMBERED.update(value for _, value in trusted)
        return bool(der) and any(digest(der, name)[part] == value[part] for name, value in trusted)

    def take(self, datagram: bytes = b"") -> list[bytes]:
        """Take a datagram, or just go on; what was inside."""
        if datagram and self.deaf:
            self.deaf = False
            return []
        if datagram:
            self.connection.bio_write(datagram)
        found: list[bytes] = []
        try:
            if self.listening:
                self.connection.DTLSv1_listen()
                self.listening = False
            if self.state in ("new", "shaking"):
                self.state = "shaking"
                self.connection.do_handshake()
                self._done()
            while self.state == "up":
                found.append(self.connection.recv(1 << 16))
        except SSL.WantReadError:
            pass
        except SSL.ZeroReturnError:
            self.state = "closed"
        except SSL.Error:
            self.state = "failed"
        self._flush()
        return found

    def _done(self) -> None:
        self.state = "up"
        if "late-verify" in self.traits:
            asyncio.get_running_loop().call_later(LATE_SECONDS, self._judge)
        elif self.traits & LATER:
            self._judge()

    def _judge(self) -> None:
        if self.state == "up" and not self.matches(self.connection.get_peer_certificate()):
            self.state = "failed"
            if "late-and-silent" not in self.traits:
                self.connection.shutdown()
                self._flush()

    def end(self) -> None:
        """Say goodbye."""
        if self.state == "up":
            self.connection.shutdown()
            self._flush()
            self.state = "closed"

    def say(self, data: bytes) -> None:
        """Send data inside."""
        if self.state == "up":
            with contextlib.suppress(SSL.Error):
                self.connection.send(data)
            self._flush()

    def _flush(self) -> None:
        flight = b""
        with contextlib.suppress(SSL.WantReadError):
            while True:
                flight += self.connection.bio_read(1 << 16)
        datagram, largest = b"", 0 if self.traits & {"records-apart", "small-datagrams", "backwards"} else 1200
        ready: list[bytes] = []
        while flight:
            size = 13 + int.from_bytes(flight[11:13])
            record, flight = flight[:size], flight[size:]
            if "silent" in self.traits and record[0] == 21 and self.state == "failed":
                continue
            if datagram and len(datagram) + len(record) > largest:
                ready.append(datagram)
                datagram = b""
            datagram += record
        ready += [datagram] if datagram else []
        for one in reversed(ready) if "backwards" in self.traits and self.state == "shaking" else ready:
            self._send_one(one)
        self._arm()

    def _send_one(self, datagram: bytes) -> None:
        if "slow" in self.traits and datagram[0] in (20, 22):
            asyncio.get_running_loop().call_later(SLOW_SECONDS, self._send, datagram)
            return
        self._send(datagram)
        if "twice" in self.traits and datagram[0] in (20, 22):
            self._send(datagram)

    def _arm(self) -> None:
        if self._timer:
            self._timer.cancel()
        wait = self.connection.DTLSv1_get_timeout() if self.state == "shaking" and not self.listening else None
        self._timer = asyncio.get_running_loop().call_later(max(wait, 0.01), self._expire) if wait is not None else None

    def _expire(self) -> None:
        with contextlib.suppress(SSL.Error):
            self.connection.DTLSv1_handle_timeout()
        self._flush()
