"""STUN messages (RFC 8489) as ICE uses them: lossless, with the short-term credential, and wrong when asked to be."""

from __future__ import annotations

import hmac
import struct
import zlib
from dataclasses import dataclass, replace
from ipaddress import ip_address

COOKIE = 0x2112A442
HEADER_SIZE = 20
TRANSACTION_SIZE = 12
BINDING = 0x001
REQUEST, INDICATION, SUCCESS, ERROR = 0x000, 0x010, 0x100, 0x110
CLASSES = {REQUEST: "request", INDICATION: "indication", SUCCESS: "success", ERROR: "error"}

USERNAME = 0x0006
MESSAGE_INTEGRITY = 0x0008
ERROR_CODE = 0x0009
XOR_MAPPED_ADDRESS = 0x0020
PRIORITY = 0x0024
USE_CANDIDATE = 0x0025
FINGERPRINT = 0x8028
ICE_CONTROLLED = 0x8029
ICE_CONTROLLING = 0x802A

_CLASS_MASK = 0x0110
_FINGERPRINT_XOR = 0x5354554E
_INTEGRITY_SIZE = 20
_FAMILIES = {1: 4, 2: 16}


class StunError(ValueError):
    """Bytes that are no STUN message."""


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute as it stands: type, value, and what pads the value to a multiple of four octets."""

    kind: int
    value: bytes = b""
    padding: bytes | None = None

    def to_bytes(self) -> bytes:
        """Write it; the padding is zeros unless it was read."""
        padding = bytes(-len(self.value) % 4) if self.padding is None else self.padding
        return struct.pack("!HH", self.kind, len(self.value)) + self.value + padding


@dataclass(frozen=True, slots=True)
class Message:
    """A STUN message.

    Attributes:
        kind: the message type, class and method together (14 bits).
        transaction: 12 octets.
        attributes: in order; those after MESSAGE-INTEGRITY, FINGERPRINT aside, count for nothing (RFC 8489 14.5).
    """

    kind: int
    transaction: bytes
    attributes: tuple[Attribute, ...] = ()

    @classmethod
    def parse(cls, data: bytes) -> Message:
        """Read a datagram.

        Raises:
            StunError: it is not a STUN message, or an attribute is longer than it.
        """
        if not is_stun(data):
            raise StunError("no STUN header")
        kind, length = struct.unpack_from("!HH", data)
        if length % 4 or len(data) != HEADER_SIZE + length:
            raise StunError(f"{len(data) - HEADER_SIZE} octets of attributes, the header says {length}")
        attributes = []
        at = HEADER_SIZE
        while at < len(data):
            name, size = struct.unpack_from("!HH", data, at)
            end = at + 4 + size
            padded = end + -size % 4
            if padded > len(data):
                raise StunError(f"attribute {name:#06x} of {size} octets goes beyond the message")
            attributes.append(Attribute(name, data[at + 4 : end], data[end:padded]))
            at = padded
        return cls(kind, data[8:HEADER_SIZE], tuple(attributes))

    def to_bytes(self) -> bytes:
        """Write the message with the attributes that it has, and no others."""
        body = b"".join(attribute.to_bytes() for attribute in self.attributes)
        return struct.pack("!HHI", self.kind, len(body), COOKIE) + self.transaction + body

    def protected(self, password: str) -> Message:
        """The message with MESSAGE-INTEGRITY (RFC 8489 section 14.5) and FINGERPRINT behind what it has."""
        digest = _integrity(self.to_bytes(), password)
        return replace(self, attributes=(*self.attributes, Attribute(MESSAGE_INTEGRITY, digest))).fingerprinted()

    def fingerprinted(self) -> Message:
        """The message with FINGERPRINT (RFC 8489 section 14.7) behind what it has."""
        data = self.to_bytes()
        data = data[:2] + struct.pack("!H", len(data) - HEADER_SIZE + 8) + data[4:]
        value = struct.pack("!I", zlib.crc32(data) ^ _FINGERPRINT_XOR)
        return replace(self, attributes=(*self.attributes, Attribute(FINGERPRINT, value)))

    @property
    def class_(self) -> str:
        """``request``, ``indication``, ``success`` or ``error``."""
        return CLASSES[self.kind & _CLASS_MASK]

    @property
    def is_binding(self) -> bool:
        """Whether the method is Binding."""
        return self.kind & ~_CLASS_MASK == BINDING

    def first(self, kind: int) -> bytes | None:
        """Return the value of the first attribute of a type, or ``None``."""
        return next((one.value for one in self.attributes if one.kind == kind), None)

    def integrity(self, password: str) -> str:
        """Hold MESSAGE-INTEGRITY against a password: ``right``, ``wrong`` or ``absent``."""
        kinds = [one.kind for one in self.attributes]
        if MESSAGE_INTEGRITY not in kinds:
            return "absent"
        at = kinds.index(MESSAGE_INTEGRITY)
        wanted = _integrity(replace(self, attributes=self.attributes[:at]).to_bytes(), password)
        return "right" if hmac.compare_digest(wanted, self.attributes[at].value) else "wrong"

    @property
    def username(self) -> str:
        """USERNAME as text, or ``""``."""
        return (self.first(USERNAME) or b"").decode("utf-8", "replace")

    @property
    def error_code(self) -> int:
        """The number of ERROR-CODE, or 0."""
        value = self.first(ERROR_CODE) or b""
        return value[2] % 8 * 100 + value[3] if len(value) >= 4 else 0

    @property
    def mapped(self) -> tuple[str, int] | None:
        """XOR-MAPPED-ADDRESS, or ``None`` when it is absent or no address."""
        value = self.first(XOR_MAPPED_ADDRESS) or b""
        if len(value) < 4 or _FAMILIES.get(value[1]) != len(value) - 4:
            return None
        plain = _xor(value[2:], self.transaction)
        return str(ip_address(plain[2:])), int.from_bytes(plain[:2])


def is_stun(data: bytes) -> bool:
    """Tell a STUN datagram by its two zero bits, its size and the magic cookie (RFC 8489 section 5)."""
    return len(data) >= HEADER_SIZE and data[0] < 64 and data[4:8] == COOKIE.to_bytes(4)


def mapped_address(address: tuple[str, int], transaction: bytes) -> Attribute:
    """Write XOR-MAPPED-ADDRESS (RFC 8489 section 14.2)."""
    packed = ip_address(address[0]).packed
    family = 1 if len(packed) == 4 else 2
    return Attribute(XOR_MAPPED_ADDRESS, bytes((0, family)) + _xor(address[1].to_bytes(2) + packed, transaction))


def error_attribute(code: int, reason: str) -> Attribute:
    """Write ERROR-CODE (RFC 8489 section 14.8)."""
    return Attribute(ERROR_CODE, bytes((0, 0, code // 100, code % 100)) + reason.encode())


def _xor(data: bytes, transaction: bytes) -> bytes:
    """XOR a port and the address after it with the cookie's octets; each of the two begins at the first octet."""
    mask = COOKIE.to_bytes(4) + transaction
    return bytes(a ^ b for a, b in zip(data, mask[:2] + mask, strict=False))


def _integrity(before: bytes, password: str) -> bytes:
    """HMAC-SHA1 over what stands before the attribute, with the length as if it were the last one."""
    length = len(before) - HEADER_SIZE + 4 + _INTEGRITY_SIZE
    return hmac.digest(password.encode(), before[:2] + struct.pack("!H", length) + before[4:], "sha1")
