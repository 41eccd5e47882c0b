"""MIKEY messages as MIKEY-TICKET uses them: header, payloads, and the fields of each (RFC 3830 clause 6, RFC 6043).

A message is a header and payloads in order; the chain of ``next payload`` fields is made when it is written. What is
wrong on purpose is a payload's bytes, a type that nobody knows, or bytes cut off.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

VERSION = 1
REQUEST_INIT_PSK, REQUEST_RESP, RESOLVE_INIT_PSK, RESOLVE_RESP, ERROR = 11, 13, 16, 18, 6
KEMAC, T, ID, V, RAND, ERR, TR, IDR, RANDR, TP, TICKET = 1, 5, 6, 9, 11, 12, 13, 14, 15, 16, 17
INITIATOR, RESPONDER, KMS, PSK = 1, 2, 3, 4
"""Roles of identities; the first three are those of RANDs too (RFC 6043 tables 6.11 and 6.13)."""
URI, BYTES = 1, 2
ISSUED, VALID_FROM, VALID_UNTIL, REKEYING = 1, 2, 3, 4
NTP_UTC, NTP, COUNTER, NTP_UTC_32 = 0, 1, 2, 3
EMPTY_MAP = 1
MIKEY_BASE_TICKET, TGPP_BASE_TICKET = 1, 2
NO_AUTH, SHA1_MAC, SHA256_MAC = 0, 1, 2
NO_ENCRYPTION, AES_CM_128, AES_KW_128, AES_CM_256 = 0, 1, 2, 3
TGK, TEK, MPK = 0, 2, 6
AUTH_FAILURE, INVALID_TS, UNSPECIFIED = 0, 1, 12
KMS_GENERATED, MUST_RESOLVE, MUST_ANSWER, FORKED, REUSABLE = 1 << 16, 1 << 15, 1 << 14, 1 << 11, 1 << 10
"""Flags D, E, F, I and J of a Ticket Policy, in the 24 bits that begin with the PRF function (RFC 6043 clause 6.10)."""
NTP_EPOCH = 2_208_988_800
"""Seconds from 1900 to 1970."""

NAMES = {
    REQUEST_INIT_PSK: "REQUEST_INIT_PSK",
    REQUEST_RESP: "REQUEST_RESP",
    RESOLVE_INIT_PSK: "RESOLVE_INIT_PSK",
    RESOLVE_RESP: "RESOLVE_RESP",
    ERROR: "Error",
}
_MACS = {NO_AUTH: 0, SHA1_MAC: 20, SHA256_MAC: 32}
_TIMES = {NTP_UTC: 8, NTP: 8, COUNTER: 4, NTP_UTC_32: 4}


class MikeySyntaxError(ValueError):
    """Bytes are no MIKEY message; the text says where."""


class _Bytes:
    """Reads bytes from the front."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def take(self, count: int) -> bytes:
        if self.at + count > len(self.data):
            raise MikeySyntaxError(f"{count} bytes are needed at {self.at}, there are {len(self.data) - self.at}")
        self.at += count
        return self.data[self.at - count : self.at]

    def number(self, count: int) -> int:
        return int.from_bytes(self.take(count))


@dataclass(frozen=True, slots=True)
class Header:
    """HDR (RFC 3830 clause 6.1) with the empty map of crypto sessions (RFC 4563).

    Attributes:
        kind: data type.
        csb_id: 32 bits.
        prf: the PRF; 1 is PRF-HMAC-SHA-256.
        answer: the V flag.
        version: 1.
        sessions: #CS.
        map_type: CS ID map type.
    """

    kind: int
    csb_id: int
    prf: int = 1
    answer: bool = False
    version: int = VERSION
    sessions: int = 0
    map_type: int = EMPTY_MAP

    def to_bytes(self, following: int) -> bytes:
        """Write it with the type of the first payload."""
        flags = (int(self.answer) << 7) | self.prf
        start = bytes([self.version, self.kind, following, flags])
        return start + self.csb_id.to_bytes(4) + bytes([self.sessions, self.map_type])


@dataclass(frozen=True, slots=True)
class Payload:
    """A payload: its type and what follows its ``next payload`` field."""

    kind: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Message:
    """A MIKEY message."""

    header: Header
    payloads: tuple[Payload, ...]

    def to_bytes(self) -> bytes:
        """Write it."""
        first = self.payloads[0].kind if self.payloads else 0
        return self.header.to_bytes(first) + write_payloads(self.payloads)

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read a message (``MikeySyntaxError`` when it is none, or holds payloads of unknown types)."""
        reader = _Bytes(data)
        version, kind, following, flags = reader.take(4)
        csb_id, sessions, map_type = reader.number(4), reader.number(1), reader.number(1)
        if version != VERSION:
            raise MikeySyntaxError(f"version {version}")
        if sessions:
            raise MikeySyntaxError(f"{sessions} crypto sessions where there are to be none")
        header = Header(kind, csb_id, flags & 0x7F, bool(flags >> 7), version, sessions, map_type)
        return cls(header, _read_payloads(reader, following))

    def first(self, kind: int, role: int | None = None) -> Payload | None:
        """The first payload of a type (and of a role, for those that have one)."""
        fitting = (one for one in self.payloads if one.kind == kind and (role is None or one.body[:1] == bytes([role])))
        return next(fitting, None)

    def with_payload(self, payload: Payload) -> Self:
        """The same with one more payload at its end."""
        return replace(self, payloads=(*self.payloads, payload))


def write_payloads(payloads: tuple[Payload, ...]) -> bytes:
    """Payloads in a chain that ends with the last one."""
    kinds = [one.kind for one in payloads[1:]] + [0]
    return b"".join(bytes([following]) + one.body for following, one in zip(kinds, payloads, strict=False))


def _read_payloads(reader: _Bytes, following: int) -> tuple[Payload, ...]:
    found = []
    while following:
        kind, following = following, reader.number(1)
        begin = reader.at
        _skip(reader, kind)
        found.append(Payload(kind, reader.data[begin : reader.at]))
    if reader.at != len(reader.data):
        raise MikeySyntaxError(f"{len(reader.data) - reader.at} bytes behind the last payload")
    return tuple(found)


def _skip(reader: _Bytes, kind: int) -> None:  # noqa: C901 - one branch a payload
    match kind:
        case 1:
            reader.take(1)
            reader.take(reader.number(2))
            reader.take(_size(_MACS, reader.number(1), "MAC"))
        case 5:
            reader.take(_size(_TIMES, reader.number(1), "timestamp"))
        case 6:
            reader.take(1)
            reader.take(reader.number(2))
        case 9:
            reader.take(_size(_MACS, reader.number(1), "MAC"))
        case 11:
            reader.take(reader.number(1))
        case 12:
            reader.take(3)
        case 13:
            reader.take(1)
            reader.take(_size(_TIMES, reader.number(1), "timestamp"))
        case 14:
            reader.take(2)
            reader.take(reader.number(2))
        case 15:
            reader.take(1)
            reader.take(reader.number(1))
        case 16 | 17:
            reader.take(7)
            reader.take(reader.number(2))
            if kind == TICKET:
                reader.take(reader.number(2))
                reader.take(reader.number(2))
        case _:
            raise MikeySyntaxError(f"payload type {kind} is not known")


def _size(sizes: dict[int, int], kind: int, what: str) -> int:
    if kind not in sizes:
        raise MikeySyntaxError(f"{what} type {kind} is not known")
    return sizes[kind]


# The payloads, one by one


def timestamp(seconds: float) -> Payload:
    """T with a time since 1970, as NTP-UTC."""
    return Payload(T, bytes([NTP_UTC]) + _ntp(seconds))


def _ntp(seconds: float) -> bytes:
    whole = int(seconds // 1)
    return ((whole + NTP_EPOCH) % (1 << 32)).to_bytes(4) + int((seconds - whole) * (1 << 32)).to_bytes(4)


def role_time(role: int, seconds: float) -> Payload:
    """TR with a time since 1970, as NTP-UTC-32."""
    return Payload(TR, bytes([role, NTP_UTC_32]) + _ntp(seconds)[:4])


def time_of(payload: Payload) -> float | None:
    """Seconds since 1970 of a T or TR; ``None`` for a counter (RFC 4330: the era of 1968 to 2104)."""
    kind, value = (payload.body[0], payload.body[1:]) if payload.kind == T else (payload.body[1], payload.body[2:])
    if kind == COUNTER:
        return None
    seconds = int.from_bytes(value[:4])
    era = 0 if seconds & 0x80000000 else 1 << 32
    fraction = int.from_bytes(value[4:8]) / (1 << 32) if len(value) == 8 else 0.0
    return seconds + era - NTP_EPOCH + fraction


def timestamp_octets(payload: Payload) -> bytes:
    """The 64 bits of a T as they go into an IV; a 32-bit one is filled up with zeroes (RFC 6043 clause 6.3)."""
    return payload.body[1:].ljust(8, b"\x00")


def identity(role: int, name: str | bytes) -> Payload:
    """IDR: a URI, or a byte string."""
    data = name.encode() if isinstance(name, str) else name
    return Payload(IDR, bytes([role, URI if isinstance(name, str) else BYTES]) + len(data).to_bytes(2) + data)


def identity_of(payload: Payload | None) -> bytes:
    """The name in an IDR; empty without one."""
    return payload.body[4:] if payload is not None else b""


def random(role: int, value: bytes) -> Payload:
    """RANDR."""
    return Payload(RANDR, bytes([role, len(value)]) + value)


def random_of(payload: Payload | None) -> bytes:
    """The random value in a RANDR; empty without one."""
    return payload.body[2:] if payload is not None else b""


def error(number: int) -> Payload:
    """ERR."""
    return Payload(ERR, bytes([number, 0, 0]))


def verification(algorithm: int, mac: bytes) -> Payload:
    """V."""
    return Payload(V, bytes([algorithm]) + mac)


def kemac(algorithm: int, data: bytes) -> Payload:
    """KEMAC without a MAC of its own."""
    return Payload(KEMAC, bytes([algorithm]) + len(data).to_bytes(2) + data + bytes([NO_AUTH]))


def kemac_of(payload: Payload) -> tuple[int, bytes]:
    """Encryption algorithm and encrypted data of a KEMAC."""
    reader = _Bytes(payload.body)
    return reader.number(1), reader.take(reader.number(2))


@dataclass(frozen=True, slots=True)
class Key:
    """A key data sub-payload: type, key, and its SPI (RFC 3830 clause 6.13)."""

    kind: int
    value: bytes
    spi: bytes = b""


def write_keys(keys: tuple[Key, ...]) -> bytes:
    """Key data sub-payloads in a chain, each with its SPI."""
    written = b""
    for number, key in enumerate(keys):
        following = 20 if number + 1 < len(keys) else 0
        head = bytes([following, key.kind << 4 | (1 if key.spi else 0)]) + len(key.value).to_bytes(2)
        written += head + key.value + (bytes([len(key.spi)]) + key.spi if key.spi else b"")
    return written


def read_keys(data: bytes) -> tuple[Key, ...]:
    """Read key data sub-payloads (``MikeySyntaxError`` when they are none: the wrong key, perhaps)."""
    reader, found, following = _Bytes(data), list[Key](), 20
    while following:
        following, kinds = reader.number(1), reader.number(1)
        kind, validity = kinds >> 4, kinds & 0x0F
        if following not in (0, 20) or kind > MPK or validity > 2:
            raise MikeySyntaxError("no key data")
        value = reader.take(reader.number(2))
        if kind in (1, 3, 5):
            reader.take(reader.number(2))
        spi = reader.take(reader.number(1)) if validity == 1 else b""
        if validity == 2:
            reader.take(reader.number(1))
            reader.take(reader.number(1))
        found.append(Key(kind, value, spi))
    if reader.at != len(data):
        raise MikeySyntaxError("bytes behind the last key")
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Policy:
    """A Ticket Policy, alone (TP) or with its ticket (RFC 6043 clause 6.10).

    Attributes:
        payloads: IDRkms, IDRi, validity, and the IDRr that may resolve it.
        kind, subtype, version: of the ticket.
        flags: PRF function (7 bits), flags D to O, reserved bits: 24 bits.
    """

    payloads: tuple[Payload, ...]
    kind: int = MIKEY_BASE_TICKET
    subtype: int = 1
    version: int = 1
    flags: int = (1 << 17) | KMS_GENERATED | MUST_RESOLVE | REUSABLE | 1 << 12

    def to_bytes(self) -> bytes:
        """The fields behind ``next payload``, up to and with the TP data."""
        first = self.payloads[0].kind if self.payloads else 0
        data = bytes([first]) + write_payloads(self.payloads)
        start = self.kind.to_bytes(2) + bytes([self.subtype, self.version]) + self.flags.to_bytes(3)
        return start + len(data).to_bytes(2) + data

    def payload(self) -> Payload:
        """TP."""
        return Payload(TP, self.to_bytes())

    @classmethod
    def parse(cls, payload: Payload) -> tuple[Self, bytes]:
        """Read a TP or TICKET: the policy, and the ticket data (empty for a TP)."""
        reader = _Bytes(payload.body)
        kind, subtype, version, flags = reader.number(2), reader.number(1), reader.number(1), reader.number(3)
        inner = _Bytes(reader.take(reader.number(2)))
        policy = cls(_read_payloads(inner, inner.number(1)), kind, subtype, version, flags)
        return policy, reader.take(reader.number(2)) if payload.kind == TICKET else b""

    def names(self, role: int) -> tuple[bytes, ...]:
        """The identities of a role."""
        return tuple(identity_of(one) for one in self.payloads if one.kind == IDR and one.body[0] == role)

    def time(self, role: int) -> float | None:
        """A time of the policy, in seconds since 1970."""
        found = next((one for one in self.payloads if one.kind == TR and one.body[0] == role), None)
        return time_of(found) if found is not None else None


def ticket(policy: Policy, data: bytes, initiator: bytes = b"") -> Payload:
    """TICKET; initiator data is there with key forking alone."""
    ending = len(initiator).to_bytes(2) + initiator
    return Payload(TICKET, policy.to_bytes() + len(data).to_bytes(2) + data + ending)


def initiator_of(payload: Payload) -> bytes:
    """The initiator data of a TICKET; empty without any."""
    reader = _Bytes(payload.body)
    reader.take(7)
    reader.take(reader.number(2))
    reader.take(reader.number(2))
    return reader.take(reader.number(2))


def initiator_proofs(data: bytes) -> tuple[Payload, ...]:
    """The two V payloads of initiator data (RFC 6043 clause 6.10)."""
    reader = _Bytes(data)
    return _read_payloads(reader, reader.number(1))
