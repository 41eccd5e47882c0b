"""What TLS and DTLS say in clear: hello messages, certificates, alerts and the names of their numbers.

One structure serves both families: a DTLS ClientHello has a cookie (RFC 6347 section 4.2.1), a TLS one has not.
Parsing keeps every byte, so that ``to_bytes`` of what was parsed is the same message.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

CHANGE_CIPHER_SPEC: Final = 20
ALERT: Final = 21
HANDSHAKE: Final = 22
APPLICATION_DATA: Final = 23

CLIENT_HELLO: Final = 1
SERVER_HELLO: Final = 2
HELLO_VERIFY_REQUEST: Final = 3
CERTIFICATE: Final = 11
SERVER_KEY_EXCHANGE: Final = 12
CERTIFICATE_REQUEST: Final = 13
SERVER_HELLO_DONE: Final = 14
CERTIFICATE_VERIFY: Final = 15
CLIENT_KEY_EXCHANGE: Final = 16
FINISHED: Final = 20

HANDSHAKE_NAMES: Final = {
    0: "hello_request",
    CLIENT_HELLO: "client_hello",
    SERVER_HELLO: "server_hello",
    HELLO_VERIFY_REQUEST: "hello_verify_request",
    4: "new_session_ticket",
    8: "encrypted_extensions",
    CERTIFICATE: "certificate",
    SERVER_KEY_EXCHANGE: "server_key_exchange",
    CERTIFICATE_REQUEST: "certificate_request",
    SERVER_HELLO_DONE: "server_hello_done",
    CERTIFICATE_VERIFY: "certificate_verify",
    CLIENT_KEY_EXCHANGE: "client_key_exchange",
    FINISHED: "finished",
}

VERSION_NAMES: Final = {
    0x0300: "SSLv3",
    0x0301: "TLSv1",
    0x0302: "TLSv1.1",
    0x0303: "TLSv1.2",
    0x0304: "TLSv1.3",
    0xFEFF: "DTLSv1",
    0xFEFD: "DTLSv1.2",
    0xFEFC: "DTLSv1.3",
}
VERSIONS: Final = {name: number for number, name in VERSION_NAMES.items()}
"""OpenSSL's names of the protocol versions, and their numbers on the wire."""

ALERT_NAMES: Final = {
    0: "close_notify",
    10: "unexpected_message",
    20: "bad_record_mac",
    21: "decryption_failed",
    22: "record_overflow",
    30: "decompression_failure",
    40: "handshake_failure",
    41: "no_certificate",
    42: "bad_certificate",
    43: "unsupported_certificate",
    44: "certificate_revoked",
    45: "certificate_expired",
    46: "certificate_unknown",
    47: "illegal_parameter",
    48: "unknown_ca",
    49: "access_denied",
    50: "decode_error",
    51: "decrypt_error",
    60: "export_restriction",
    70: "protocol_version",
    71: "insufficient_security",
    80: "internal_error",
    86: "inappropriate_fallback",
    90: "user_canceled",
    100: "no_renegotiation",
    109: "missing_extension",
    110: "unsupported_extension",
    111: "certificate_unobtainable",
    112: "unrecognized_name",
    113: "bad_certificate_status_response",
    114: "bad_certificate_hash_value",
    115: "unknown_psk_identity",
    116: "certificate_required",
    120: "no_application_protocol",
}
"""Alert descriptions by number, with the names of RFC 5246 section 7.2, RFC 8446 section 6 and RFC 6066."""

EXTENSION_NAMES: Final = {
    0: "server_name",
    5: "status_request",
    10: "supported_groups",
    11: "ec_point_formats",
    13: "signature_algorithms",
    14: "use_srtp",
    16: "application_layer_protocol_negotiation",
    21: "padding",
    22: "encrypt_then_mac",
    23: "extended_master_secret",
    35: "session_ticket",
    41: "pre_shared_key",
    42: "early_data",
    43: "supported_versions",
    44: "cookie",
    45: "psk_key_exchange_modes",
    51: "key_share",
    0xFF01: "renegotiation_info",
}

CIPHER_SUITES: Final = {
    "TLS_NULL_WITH_NULL_NULL": 0x0000,
    "TLS_RSA_WITH_NULL_SHA": 0x0002,
    "TLS_RSA_WITH_RC4_128_SHA": 0x0005,
    "TLS_RSA_WITH_3DES_EDE_CBC_SHA": 0x000A,
    "TLS_DH_anon_WITH_AES_128_CBC_SHA": 0x0034,
    "TLS_RSA_WITH_AES_128_CBC_SHA": 0x002F,
    "TLS_RSA_WITH_AES_128_GCM_SHA256": 0x009C,
    "TLS_AES_128_GCM_SHA256": 0x1301,
    "TLS_AES_256_GCM_SHA384": 0x1302,
    "TLS_CHACHA20_POLY1305_SHA256": 0x1303,
    "TLS_ECDHE_ECDSA_WITH_NULL_SHA": 0xC006,
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA": 0xC009,
    "TLS_ECDHE_RSA_WITH_NULL_SHA": 0xC010,
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA": 0xC013,
    "TLS_ECDH_anon_WITH_NULL_SHA": 0xC015,
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256": 0xC02B,
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384": 0xC02C,
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256": 0xC02F,
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384": 0xC030,
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256": 0xCCA8,
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256": 0xCCA9,
}
"""Cipher suites that the purposes offer, by their IANA name."""

Extension = tuple[int, bytes]
"""An extension: its number and its contents."""


class TlsSyntaxError(ValueError):
    """The bytes are not the TLS or DTLS structure that was asked for."""


class Reader:
    """Takes fields from the front of ``data``; every short read is a :class:`TlsSyntaxError`."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.position = 0

    def take(self, count: int, what: str) -> bytes:
        """Return the next ``count`` bytes."""
        end = self.position + count
        if end > len(self.data):
            raise TlsSyntaxError(f"{what}: {count} bytes expected, {len(self.data) - self.position} left")
        chunk = self.data[self.position : end]
        self.position = end
        return chunk

    def number(self, size: int, what: str) -> int:
        """Return the next ``size`` bytes as an unsigned number in network order."""
        return int.from_bytes(self.take(size, what), "big")

    def vector(self, size: int, what: str) -> bytes:
        """Return a vector whose length stands in ``size`` bytes before it."""
        return self.take(self.number(size, f"length of {what}"), what)

    def rest(self) -> bytes:
        """Return all that is left."""
        return self.take(len(self.data) - self.position, "rest")


def vector(size: int, data: bytes) -> bytes:
    """Return ``data`` after its length in ``size`` bytes (network order)."""
    return len(data).to_bytes(size, "big") + data


def alert_name(description: int) -> str:
    """Return the RFC's name of an alert, or ``alert_<number>`` for one that has none."""
    return ALERT_NAMES.get(description, f"alert_{description}")


def version_name(version: int) -> str:
    """Return OpenSSL's name of a protocol version, or its number in hexadecimal."""
    return VERSION_NAMES.get(version, f"0x{version:04x}")


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert in clear (RFC 5246 section 7.2): ``level`` 1 is warning, 2 is fatal."""

    level: int
    description: int

    @classmethod
    def parse(cls, fragment: bytes) -> Alert:
        """Parse the two bytes of an alert; an encrypted one is longer and is a :class:`TlsSyntaxError`."""
        if len(fragment) != struct.calcsize("!BB"):
            raise TlsSyntaxError(f"an alert in clear has 2 bytes, this has {len(fragment)}")
        return cls(fragment[0], fragment[1])

    @property
    def name(self) -> str:
        """The RFC's name of the description."""
        return alert_name(self.description)

    def to_bytes(self) -> bytes:
        """Return the two bytes."""
        return bytes((self.level, self.description))


def parse_extensions(data: bytes) -> tuple[Extension, ...]:
    """Parse the contents of an extensions vector (``TlsSyntaxError`` when an extension is cut short)."""
    reader = Reader(data)
    found: list[Extension] = []
    while reader.position < len(data):
        kind = reader.number(2, "extension type")
        found.append((kind, reader.vector(2, f"extension {EXTENSION_NAMES.get(kind, kind)}")))
    return tuple(found)


def format_extensions(extensions: tuple[Extension, ...]) -> bytes:
    """Return the contents of an extensions vector."""
    return b"".join(kind.to_bytes(2, "big") + vector(2, data) for kind, data in extensions)


@dataclass(frozen=True, slots=True)
class ClientHello:
    """A ClientHello (RFC 5246 section 7.4.1.2; RFC 6347 section 4.2.1 for the cookie).

    Attributes:
        version: the version on the wire, e.g. 0xFEFD.
        random: 32 bytes (any other length is written as it is, wrongly on purpose).
        session_id: up to 32 bytes.
        cookie: ``None`` for TLS; bytes, perhaps empty, for DTLS.
        suites: cipher suite numbers.
        compressions: compression method numbers.
        extensions: in order; ``None`` when the message has no extensions block at all.
        trailing: bytes after the end, kept so that nothing is lost.
    """

    version: int
    random: bytes
    suites: tuple[int, ...]
    extensions: tuple[Extension, ...] | None = ()
    session_id: bytes = b""
    cookie: bytes | None = None
    compressions: tuple[int, ...] = (0,)
    trailing: bytes = b""

    @classmethod
    def parse(cls, body: bytes, *, dtls: bool) -> ClientHello:
        """Parse the body of the handshake message (without its header)."""
        reader = Reader(body)
        version = reader.number(2, "version")
        random = reader.take(32, "random")
        session_id = reader.vector(1, "session id")
        cookie = reader.vector(1, "cookie") if dtls else None
        suites = reader.vector(2, "cipher suites")
        if len(suites) % 2:
            raise TlsSyntaxError(f"cipher suites: {len(suites)} bytes is not an even number")
        compressions = reader.vector(1, "compression methods")
        extensions = None
        if reader.position < len(body):
            extensions = parse_extensions(reader.vector(2, "extensions"))
        return cls(
            version=version,
            random=random,
            suites=tuple(int.from_bytes(suites[i : i + 2], "big") for i in range(0, len(suites), 2)),
            extensions=extensions,
            session_id=session_id,
            cookie=cookie,
            compressions=tuple(compressions),
            trailing=reader.rest(),
        )

    def to_bytes(self) -> bytes:
        """Return the body of the handshake message."""
        return b"".join(
            (
                self.version.to_bytes(2, "big"),
                self.random,
                vector(1, self.session_id),
                b"" if self.cookie is None else vector(1, self.cookie),
                vector(2, b"".join(suite.to_bytes(2, "big") for suite in self.suites)),
                vector(1, bytes(self.compressions)),
                b"" if self.extensions is None else vector(2, format_extensions(self.extensions)),
                self.trailing,
            )
        )

    def extension(self, kind: int) -> bytes | None:
        """Return the contents of the first extension of that number, or ``None``."""
        return next((data for number, data in self.extensions or () if number == kind), None)


@dataclass(frozen=True, slots=True)
class ServerHello:
    """A ServerHello (RFC 5246 section 7.4.1.3); ``extensions`` is ``None`` when the block is absent."""

    version: int
    random: bytes
    session_id: bytes
    suite: int
    compression: int = 0
    extensions: tuple[Extension, ...] | None = ()
    trailing: bytes = b""

    @classmethod
    def parse(cls, body: bytes) -> ServerHello:
        """Parse the body of the handshake message (without its header)."""
        reader = Reader(body)
        version = reader.number(2, "version")
        random = reader.take(32, "random")
        session_id = reader.vector(1, "session id")
        suite = reader.number(2, "cipher suite")
        compression = reader.number(1, "compression method")
        extensions = None
        if reader.position < len(body):
            extensions = parse_extensions(reader.vector(2, "extensions"))
        return cls(version, random, session_id, suite, compression, extensions, reader.rest())

    def to_bytes(self) -> bytes:
        """Return the body of the handshake message."""
        return b"".join(
            (
                self.version.to_bytes(2, "big"),
                self.random,
                vector(1, self.session_id),
                self.suite.to_bytes(2, "big"),
                bytes((self.compression,)),
                b"" if self.extensions is None else vector(2, format_extensions(self.extensions)),
                self.trailing,
            )
        )

    @property
    def selected_version(self) -> int:
        """The version in force: ``supported_versions`` when it is there (RFC 8446 section 4.2.1)."""
        for kind, data in self.extensions or ():
            if EXTENSION_NAMES.get(kind) == "supported_versions" and len(data) == 2:
                return int.from_bytes(data, "big")
        return self.version


def parse_certificates(body: bytes) -> tuple[bytes, ...]:
    """Parse a Certificate message of (D)TLS 1.2 and older (RFC 5246 section 7.4.2) to its DER certificates."""
    reader = Reader(body)
    chain = Reader(reader.vector(3, "certificate list"))
    found = []
    while chain.position < len(chain.data):
        found.append(chain.vector(3, "certificate"))
    return tuple(found)


def groups_extension(groups: tuple[int, ...] = (0x001D, 0x0017, 0x0018)) -> Extension:
    """Return ``supported_groups`` (RFC 8422 section 5.1.1); by default x25519, secp256r1 and secp384r1."""
    return 10, vector(2, b"".join(group.to_bytes(2, "big") for group in groups))


def signatures_extension(schemes: tuple[int, ...] = (0x0403, 0x0503, 0x0804, 0x0401)) -> Extension:
    """Return ``signature_algorithms`` (RFC 8446 section 4.2.3); by default ECDSA and RSA with SHA-256 or better."""
    return 13, vector(2, b"".join(scheme.to_bytes(2, "big") for scheme in schemes))


def srtp_extension(profiles: tuple[int, ...] = (0x0007, 0x0001), mki: bytes = b"") -> Extension:
    """Return ``use_srtp`` (RFC 5764 section 4.1.1); by default AEAD_AES_128_GCM and AES128_CM_HMAC_SHA1_80."""
    return 14, vector(2, b"".join(profile.to_bytes(2, "big") for profile in profiles)) + vector(1, mki)


def usual_extensions(*, srtp: bool = False) -> tuple[Extension, ...]:
    """Return the extensions of an ordinary client of (D)TLS 1.2."""
    extensions: tuple[Extension, ...] = (
        (0xFF01, b"\x00"),
        groups_extension(),
        (11, b"\x01\x00"),
        signatures_extension(),
        (23, b""),
    )
    return (*extensions, srtp_extension()) if srtp else extensions
