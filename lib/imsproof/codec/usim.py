"""What is said to a USIM or ISIM on a card: the few APDUs that authentication needs (TS 31.102 7.1.2, ISO 7816-4)."""

from __future__ import annotations

from dataclasses import dataclass

APPLICATIONS = {"usim": bytes.fromhex("a0000000871002"), "isim": bytes.fromhex("a0000000871004")}
"""First octets of the applications' names (TS 101 220 Annex E); a card takes the beginning for the whole."""
SUCCESS = 0x9000
WRONG_MAC = 0x9862
"""The card does not believe AUTN."""
PIN_NEEDED = 0x6982
MORE, OTHER_LENGTH = 0x61, 0x6C
"""First octet of a status: so many octets are to be fetched; the length should have been this one."""
_AUTHENTICATED, _NOT_IN_STEP = 0xDB, 0xDC
_PIN_OCTETS = 8


class UsimError(ValueError):
    """The card answered what it should not, and the text says what."""


@dataclass(frozen=True, slots=True)
class Authenticated:
    """The card's answer: RES, CK and IK; or AUTS alone, when SQN is out of step."""

    res: bytes = b""
    ck: bytes = b""
    ik: bytes = b""
    auts: bytes = b""


def select(application: str) -> bytes:
    """Write SELECT by the name of an application, ``usim`` or ``isim``."""
    name = APPLICATIONS[application]
    return bytes((0x00, 0xA4, 0x04, 0x04, len(name))) + name


def verify_pin(pin: str) -> bytes:
    """Write VERIFY of PIN 1, four to eight digits (``UsimError`` for others)."""
    if not (pin.isascii() and pin.isdigit() and 4 <= len(pin) <= _PIN_OCTETS):
        raise UsimError("a PIN has four to eight digits")
    return bytes((0x00, 0x20, 0x00, 0x01, _PIN_OCTETS)) + pin.encode().ljust(_PIN_OCTETS, b"\xff")


def authenticate(rand: bytes, autn: bytes) -> bytes:
    """Write AUTHENTICATE in the 3G (or IMS AKA) context."""
    data = bytes((len(rand),)) + rand + bytes((len(autn),)) + autn
    return bytes((0x00, 0x88, 0x00, 0x81, len(data))) + data + b"\0"


def get_response(octets: int) -> bytes:
    """Write GET RESPONSE of so many octets (0: 256)."""
    return bytes((0x00, 0xC0, 0x00, 0x00, octets & 0xFF))


def read_answer(data: bytes) -> Authenticated:
    """Read what AUTHENTICATE gave (``UsimError`` when it is cut off or something else)."""
    if data[:1] == bytes((_AUTHENTICATED,)):
        res, rest = _value(data[1:])
        ck, rest = _value(rest)
        ik, _ = _value(rest)
        return Authenticated(res, ck, ik)
    if data[:1] == bytes((_NOT_IN_STEP,)):
        return Authenticated(auts=_value(data[1:])[0])
    raise UsimError(f"the card's answer to AUTHENTICATE begins with {data[:1].hex() or 'nothing'}, not with db or dc")


def _value(data: bytes) -> tuple[bytes, bytes]:
    if not data or len(data) < 1 + data[0]:
        raise UsimError("the card's answer to AUTHENTICATE is cut off")
    return data[1 : 1 + data[0]], data[1 + data[0] :]
