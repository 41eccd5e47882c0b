"""TLS records over TCP (RFC 5246 section 6.2, RFC 8446 section 5.1): a ClientHello of any kind, a server's answer.

Only what crosses in clear can be read: up to ServerHello in TLS 1.3, up to ServerHelloDone before.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from imsproof.codec.tlshello import (
    ALERT,
    CERTIFICATE,
    CLIENT_HELLO,
    HANDSHAKE,
    SERVER_HELLO,
    Alert,
    ClientHello,
    Extension,
    ServerHello,
    TlsSyntaxError,
    parse_certificates,
    usual_extensions,
    vector,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

HEADER_SIZE = 5
"""Bytes of a record header: type, version, length."""
MAX_FRAGMENT = 2**14
_HANDSHAKE_HEADER_SIZE = 4


@dataclass(frozen=True, slots=True)
class Record:
    """One record; ``length`` is what the header declares when that is not ``len(fragment)``."""

    content_type: int
    fragment: bytes
    version: int = 0x0303
    length: int | None = None

    def to_bytes(self) -> bytes:
        """Return header and contents."""
        declared = len(self.fragment) if self.length is None else self.length
        return (
            bytes((self.content_type,)) + self.version.to_bytes(2, "big") + declared.to_bytes(2, "big") + self.fragment
        )


def split_records(stream: bytes) -> tuple[list[Record], bytes]:
    """Split a stream into its complete records and what is left of an incomplete one."""
    records = []
    position = 0
    while len(stream) - position >= HEADER_SIZE:
        length = int.from_bytes(stream[position + 3 : position + 5], "big")
        end = position + HEADER_SIZE + length
        if end > len(stream):
            break
        version = int.from_bytes(stream[position + 1 : position + 3], "big")
        records.append(Record(stream[position], stream[position + HEADER_SIZE : end], version))
        position = end
    return records, stream[position:]


@dataclass(frozen=True, slots=True)
class Handshake:
    """One handshake message (RFC 5246 section 7.4); ``length`` as in :class:`Record`."""

    message_type: int
    body: bytes
    length: int | None = None

    def to_bytes(self) -> bytes:
        """Return header and body."""
        declared = len(self.body) if self.length is None else self.length
        return bytes((self.message_type,)) + declared.to_bytes(3, "big") + self.body


def handshakes(stream: bytes) -> tuple[list[Handshake], bytes]:
    """Split joined handshake fragments into complete messages and what is left."""
    found = []
    position = 0
    while len(stream) - position >= _HANDSHAKE_HEADER_SIZE:
        length = int.from_bytes(stream[position + 1 : position + 4], "big")
        end = position + _HANDSHAKE_HEADER_SIZE + length
        if end > len(stream):
            break
        found.append(Handshake(stream[position], stream[position + _HANDSHAKE_HEADER_SIZE : end]))
        position = end
    return found, stream[position:]


def client_hello(
    random: bytes,
    *,
    version: int = 0x0303,
    record_version: int = 0x0301,
    suites: Iterable[int] = (0xC02B, 0xC02F),
    supported_versions: Iterable[int] = (),
    server_name: str = "",
    alpn: Iterable[str] = (),
    extensions: Iterable[Extension] = (),
) -> bytes:
    """Return the record of a ClientHello with any version, suites and extensions.

    Args:
        random: 32 bytes; the codec draws no random numbers of its own.
        version: ``legacy_version`` of the message.
        record_version: the version in the record header.
        suites: cipher suite numbers.
        supported_versions: contents of that extension; none: the extension is left out.
        server_name: host name of the SNI extension, if any.
        alpn: protocol names, if any.
        extensions: further extensions, after the usual ones.
    """
    found = list(usual_extensions())
    if server_name:
        name = server_name.encode("idna")
        found.insert(0, (0, vector(2, b"\x00" + vector(2, name))))
    protocols = b"".join(vector(1, name.encode("ascii")) for name in alpn)
    if protocols:
        found.append((16, vector(2, protocols)))
    versions = b"".join(number.to_bytes(2, "big") for number in supported_versions)
    if versions:
        found.append((43, vector(1, versions)))
    hello = ClientHello(version, random, tuple(suites), (*found, *extensions))
    return Record(HANDSHAKE, Handshake(CLIENT_HELLO, hello.to_bytes()).to_bytes(), record_version).to_bytes()


@dataclass(frozen=True, slots=True)
class ServerFlight:
    """What a server answered in clear: its hello, its certificates (before TLS 1.3), and any alert."""

    hello: ServerHello | None = None
    certificates: tuple[bytes, ...] = ()
    message_types: tuple[int, ...] = ()
    alerts: tuple[Alert, ...] = field(default=())
    rest: bytes = b""


def parse_server_flight(stream: bytes) -> ServerFlight:
    """Parse the clear part of a server's answer; encrypted records end the reading, they are no error.

    Raises:
        TlsSyntaxError: the bytes do not begin with a TLS record, or a message in clear is malformed.
    """
    if stream and not ALERT - 1 <= stream[0] <= HANDSHAKE + 1:
        raise TlsSyntaxError(f"not a TLS record: first byte {stream[0]}")
    records, rest = split_records(stream)
    alerts: list[Alert] = []
    joined = b""
    for record in records:
        if record.content_type == HANDSHAKE:
            joined += record.fragment
        elif record.content_type == ALERT and len(record.fragment) == 2:
            alerts.append(Alert.parse(record.fragment))
        else:
            break
    messages, _ = handshakes(joined)
    hello = next((ServerHello.parse(m.body) for m in messages if m.message_type == SERVER_HELLO), None)
    chain = next((parse_certificates(m.body) for m in messages if m.message_type == CERTIFICATE), ())
    return ServerFlight(hello, chain, tuple(m.message_type for m in messages), tuple(alerts), rest)
