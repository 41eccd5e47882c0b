"""Authentication and key agreement (TS 33.102 6.3), both sides, and how it travels in a nonce (RFC 3310).

Sequence numbers are integers of 48 bits here and bytes on the wire. Nothing is remembered: who calls keeps SQN.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from dataclasses import dataclass
from typing import Protocol

SQN_OCTETS = 6
SQN_LIMIT = 1 << 48
DELTA = 1 << 28
"""How far SQN may jump ahead (TS 33.102 Annex C, secondary)."""

RESYNC_AMF = b"\x00\x00"
"""AMF is taken as zero in AUTS (TS 33.102 6.3.3)."""

_RAND_AUTN = 32


class Functions(Protocol):
    """The functions f1 to f5* of a subscriber: Milenage's or TUAK's."""

    def f1(self, rand: bytes, sqn: bytes, amf: bytes) -> bytes:
        """Network authentication code MAC-A, 8 bytes."""

    def f1_star(self, rand: bytes, sqn: bytes, amf: bytes) -> bytes:
        """Resynchronisation code MAC-S, 8 bytes."""

    def f2(self, rand: bytes) -> bytes:
        """Response RES."""

    def f3(self, rand: bytes) -> bytes:
        """Cipher key CK, 16 bytes."""

    def f4(self, rand: bytes) -> bytes:
        """Integrity key IK, 16 bytes."""

    def f5(self, rand: bytes) -> bytes:
        """Anonymity key AK, 6 bytes."""

    def f5_star(self, rand: bytes) -> bytes:
        """Anonymity key AK* for resynchronisation, 6 bytes."""


class AkaError(ValueError):
    """The values are not what AKA says, and the text says which."""


class MacError(AkaError):
    """A MAC does not match: the other side does not know K."""


class SyncError(AkaError):
    """The network's SQN is out of range.

    Attributes:
        auts: what the UE answers, 14 bytes.
    """

    def __init__(self, message: str, auts: bytes) -> None:
        """Keep AUTS beside the text."""
        super().__init__(message)
        self.auts = auts


@dataclass(frozen=True, slots=True)
class Vector:
    """An authentication vector (TS 33.102 6.3.2): RAND 16, AUTN 16, XRES (8 with Milenage), CK 16, IK 16 bytes."""

    rand: bytes
    autn: bytes
    xres: bytes
    ck: bytes
    ik: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """What the UE has after a good challenge: RES, CK 16, IK 16 bytes, the network's SQN, AMF 2 bytes."""

    res: bytes
    ck: bytes
    ik: bytes
    sqn: int
    amf: bytes


def _xor(left: bytes, right: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(left, right, strict=True))


def make_vector(functions: Functions, rand: bytes, sqn: int, amf: bytes) -> Vector:
    """Generate a vector for a given RAND and SQN (the network's side)."""
    octets = sqn.to_bytes(SQN_OCTETS, "big")
    autn = _xor(octets, functions.f5(rand)) + amf + functions.f1(rand, octets, amf)
    return Vector(rand, autn, functions.f2(rand), functions.f3(rand), functions.f4(rand))


def answer_challenge(functions: Functions, rand: bytes, autn: bytes, highest_sqn: int, delta: int = DELTA) -> Answer:
    """Check AUTN as a USIM does and compute the answer (TS 33.102 6.3.3).

    Args:
        functions: the subscriber's functions.
        rand: 16 bytes.
        autn: 16 bytes.
        highest_sqn: the highest SQN accepted so far; -1 when that is not known, and any SQN is taken.
        delta: how far above it SQN may be.

    Raises:
        AkaError: a length is wrong.
        MacError: the network does not know K, or AUTN was changed.
        SyncError: SQN is not above ``highest_sqn`` or too far ahead; holds AUTS.
    """
    if len(rand) != 16 or len(autn) != 16:
        raise AkaError(f"RAND has {len(rand)} and AUTN {len(autn)} bytes; both must have 16")
    octets, amf, mac = _xor(autn[:6], functions.f5(rand)), autn[6:8], autn[8:]
    if not hmac.compare_digest(mac, functions.f1(rand, octets, amf)):
        raise MacError("the MAC in AUTN is wrong: the network does not prove that it knows K")
    sqn = int.from_bytes(octets, "big")
    if highest_sqn >= 0 and not highest_sqn < sqn <= highest_sqn + delta:
        text = f"SQN {sqn} of the network is not in the range after {highest_sqn}"
        raise SyncError(text, make_auts(functions, rand, max(highest_sqn, 0)))
    return Answer(functions.f2(rand), functions.f3(rand), functions.f4(rand), sqn, amf)


def make_auts(functions: Functions, rand: bytes, sqn: int) -> bytes:
    """Write AUTS, 14 bytes: the UE's SQN, concealed, and MAC-S (TS 33.102 6.3.3)."""
    octets = sqn.to_bytes(SQN_OCTETS, "big")
    return _xor(octets, functions.f5_star(rand)) + functions.f1_star(rand, octets, RESYNC_AMF)


def check_auts(functions: Functions, rand: bytes, auts: bytes) -> int:
    """Return the UE's SQN from AUTS (TS 33.102 6.3.5).

    Raises:
        AkaError: the length is wrong.
        MacError: MAC-S is wrong.
    """
    if len(auts) != 14:
        raise AkaError(f"AUTS has {len(auts)} bytes, not 14")
    octets = _xor(auts[:6], functions.f5_star(rand))
    if not hmac.compare_digest(auts[6:], functions.f1_star(rand, octets, RESYNC_AMF)):
        raise MacError("the MAC in AUTS is wrong")
    return int.from_bytes(octets, "big")


def encode_nonce(rand: bytes, autn: bytes, server_data: bytes = b"") -> str:
    """Write the nonce of an AKA challenge: base64 of RAND, AUTN and server data (RFC 3310 3.2)."""
    return base64.b64encode(rand + autn + server_data).decode("ascii")


def decode_nonce(nonce: str) -> tuple[bytes, bytes, bytes]:
    """Return RAND, AUTN and server data of a nonce.

    Raises:
        AkaError: it is not base64, or shorter than RAND and AUTN.
    """
    data = _base64(nonce, "the nonce")
    if len(data) < _RAND_AUTN:
        raise AkaError(f"the nonce holds {len(data)} bytes; RAND and AUTN need {_RAND_AUTN}")
    return data[:16], data[16:32], data[32:]


def encode_auts(auts: bytes) -> str:
    """Write AUTS for the ``auts`` parameter (RFC 3310 3.4)."""
    return base64.b64encode(auts).decode("ascii")


def decode_auts(text: str) -> bytes:
    """Read the ``auts`` parameter (``AkaError`` when it is not base64)."""
    return _base64(text, "auts")


def _base64(text: str, what: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise AkaError(f"{what} is not base64") from error
