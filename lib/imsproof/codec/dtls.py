"""DTLS records and handshake messages (RFC 6347 sections 4.1 and 4.2), in clear, right or wrong on purpose.

Lengths can be set apart from the contents: what a hostile peer declares need not be what it sends. Whatever is
parsed gives the same bytes again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from imsproof.codec.tlshello import (
    ALERT,
    CLIENT_HELLO,
    HANDSHAKE,
    HELLO_VERIFY_REQUEST,
    SERVER_HELLO,
    Alert,
    ClientHello,
    Reader,
    ServerHello,
    TlsSyntaxError,
    alert_name,
    vector,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "CLIENT_HELLO",
    "DTLS_1_0",
    "DTLS_1_2",
    "HEADER_SIZE",
    "HELLO_VERIFY_REQUEST",
    "SERVER_HELLO",
    "Alert",
    "ClientHello",
    "Handshake",
    "HelloVerifyRequest",
    "Record",
    "ServerHello",
    "TlsSyntaxError",
    "alert_name",
    "alerts",
    "fragment_handshake",
    "handshakes",
    "split_records",
]

DTLS_1_0 = 0xFEFF
DTLS_1_2 = 0xFEFD
HEADER_SIZE = 13
"""Bytes of a record header: type, version, epoch, sequence number, length."""
_HANDSHAKE_HEADER_SIZE = 12


@dataclass(frozen=True, slots=True)
class Record:
    """One record (RFC 6347 section 4.1).

    Attributes:
        content_type: 20 to 23, or any byte.
        version: on the wire, e.g. 0xFEFD.
        epoch: 16 bits; 0 is in clear.
        sequence: 48 bits, counted in each epoch.
        fragment: the contents, encrypted from epoch 1 on.
        length: what the header declares when that is not ``len(fragment)``.
    """

    content_type: int
    fragment: bytes
    version: int = DTLS_1_2
    epoch: int = 0
    sequence: int = 0
    length: int | None = None

    def to_bytes(self) -> bytes:
        """Return header and contents."""
        return b"".join(
            (
                bytes((self.content_type,)),
                self.version.to_bytes(2, "big"),
                self.epoch.to_bytes(2, "big"),
                self.sequence.to_bytes(6, "big"),
                (len(self.fragment) if self.length is None else self.length).to_bytes(2, "big"),
                self.fragment,
            )
        )


def split_records(datagram: bytes) -> list[Record]:
    """Split a datagram into its records; joining their bytes gives the datagram again.

    A last record that is cut short keeps its declared ``length``.

    Raises:
        TlsSyntaxError: less than a record header is left.
    """
    records = []
    position = 0
    while position < len(datagram):
        header = datagram[position : position + HEADER_SIZE]
        if len(header) < HEADER_SIZE:
            raise TlsSyntaxError(f"a DTLS record header has {HEADER_SIZE} bytes, {len(header)} are left")
        declared = int.from_bytes(header[11:13], "big")
        start = position + HEADER_SIZE
        fragment = datagram[start : start + declared]
        records.append(
            Record(
                content_type=header[0],
                version=int.from_bytes(header[1:3], "big"),
                epoch=int.from_bytes(header[3:5], "big"),
                sequence=int.from_bytes(header[5:11], "big"),
                fragment=fragment,
                length=None if len(fragment) == declared else declared,
            )
        )
        position = start + len(fragment)
    return records


@dataclass(frozen=True, slots=True)
class Handshake:
    """One handshake message or fragment of one (RFC 6347 section 4.2.2).

    Attributes:
        message_type: e.g. 1 for ClientHello.
        message_seq: the message's number in this handshake.
        body: the bytes of this fragment.
        offset: where the fragment stands in the message.
        total: the length that the whole message declares; ``None`` for the usual (not fragmented).
        fragment_length: what the header declares when that is not ``len(body)``.
    """

    message_type: int
    body: bytes
    message_seq: int = 0
    offset: int = 0
    total: int | None = None
    fragment_length: int | None = None

    def to_bytes(self) -> bytes:
        """Return header and body."""
        return b"".join(
            (
                bytes((self.message_type,)),
                (self.offset + len(self.body) if self.total is None else self.total).to_bytes(3, "big"),
                self.message_seq.to_bytes(2, "big"),
                self.offset.to_bytes(3, "big"),
                (len(self.body) if self.fragment_length is None else self.fragment_length).to_bytes(3, "big"),
                self.body,
            )
        )

    def record(self, *, version: int = DTLS_1_2, epoch: int = 0, sequence: int = 0) -> Record:
        """Return the record that carries this fragment alone."""
        return Record(HANDSHAKE, self.to_bytes(), version=version, epoch=epoch, sequence=sequence)


def handshakes(fragment: bytes) -> list[Handshake]:
    """Parse the handshake fragments of one record in clear; joining their bytes gives ``fragment`` again.

    Raises:
        TlsSyntaxError: less than a handshake header is left (also what encrypted contents mostly give).
    """
    found = []
    position = 0
    while position < len(fragment):
        reader = Reader(fragment[position:])
        message_type = reader.number(1, "handshake type")
        total = reader.number(3, "handshake length")
        message_seq = reader.number(2, "message_seq")
        offset = reader.number(3, "fragment offset")
        declared = reader.number(3, "fragment length")
        body = reader.data[_HANDSHAKE_HEADER_SIZE : _HANDSHAKE_HEADER_SIZE + declared]
        found.append(
            Handshake(
                message_type=message_type,
                body=body,
                message_seq=message_seq,
                offset=offset,
                total=None if total == offset + len(body) else total,
                fragment_length=None if declared == len(body) else declared,
            )
        )
        position += _HANDSHAKE_HEADER_SIZE + len(body)
    return found


def fragment_handshake(message: Handshake, size: int) -> list[Handshake]:
    """Cut a whole message into fragments of at most ``size`` bytes of body (``ValueError`` when below 1)."""
    if size < 1:
        raise ValueError("a fragment has at least one byte")
    body = message.body
    starts = range(0, len(body), size) if body else range(1)
    return [
        Handshake(message.message_type, body[start : start + size], message.message_seq, start, len(body))
        for start in starts
    ]


@dataclass(frozen=True, slots=True)
class HelloVerifyRequest:
    """The stateless cookie exchange's answer (RFC 6347 section 4.2.1)."""

    version: int
    cookie: bytes
    trailing: bytes = b""

    @classmethod
    def parse(cls, body: bytes) -> HelloVerifyRequest:
        """Parse the body of the handshake message (without its header)."""
        reader = Reader(body)
        return cls(reader.number(2, "version"), reader.vector(1, "cookie"), reader.rest())

    def to_bytes(self) -> bytes:
        """Return the body of the handshake message."""
        return self.version.to_bytes(2, "big") + vector(1, self.cookie) + self.trailing


def server_hello(datagram: bytes) -> ServerHello | None:
    """Return the first whole ServerHello in clear of a datagram, or ``None``."""
    try:
        for record in split_records(datagram):
            if record.content_type != HANDSHAKE or record.epoch:
                continue
            for message in handshakes(record.fragment):
                if message.message_type == SERVER_HELLO:
                    return ServerHello.parse(message.body)
    except TlsSyntaxError:
        pass
    return None


def handshake_types(datagram: bytes) -> set[int]:
    """Return the types of the handshake messages that stand in clear in a datagram; none when it cannot be read."""
    try:
        clear = [one for one in split_records(datagram) if one.content_type == HANDSHAKE and one.epoch == 0]
        return {message.message_type for record in clear for message in handshakes(record.fragment)}
    except TlsSyntaxError:
        return set()


def alerts(records: Iterable[Record]) -> list[Alert]:
    """Return the alerts that stand in clear (epoch 0) among ``records``, in order."""
    return [
        Alert.parse(record.fragment)
        for record in records
        if record.content_type == ALERT and record.epoch == 0 and len(record.fragment) == 2
    ]
