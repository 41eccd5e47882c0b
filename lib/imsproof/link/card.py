"""A card in a PC/SC reader, by pyscard, which is an optional extra (``pip install imsproof[card]``)."""

from __future__ import annotations

import importlib
from typing import Any

from imsproof.codec import usim
from imsproof.seams import HarnessError


class Card:
    """A connection to one card."""

    def __init__(self, connection: Any) -> None:
        """Take a connection as pyscard makes it: ``transmit(octets)`` gives octets and two octets of status."""
        self._connection = connection

    @classmethod
    def open(cls, reader: str) -> Card:
        """Connect to the card in a reader, by its number (from 0) or a part of its name.

        Raises:
            HarnessError: there is no pyscard, no such reader, or no card in it.
        """
        try:
            system = importlib.import_module("smartcard.System")
        except ImportError as error:
            raise HarnessError("a card needs pyscard: pip install imsproof[card]") from error
        try:
            connection = _connect(system.readers(), reader)
        except Exception as error:  # pyscard's errors have no common base that one may import without it
            raise HarnessError(f"the card in the reader {reader!r} cannot be used: {error}") from error
        if connection is None:
            names = ", ".join(str(one) for one in system.readers()) or "none"
            raise HarnessError(f"there is no PC/SC reader {reader!r}; there are {names}")
        return cls(connection)

    def transmit(self, apdu: bytes) -> tuple[bytes, int]:
        """Send a command; return its whole answer and the status (``HarnessError`` when the card is gone)."""
        data, status = self._transmit(apdu)
        if status >> 8 == usim.OTHER_LENGTH:
            data, status = self._transmit(apdu[:4] + bytes((status & 0xFF,)))
        if status >> 8 == usim.MORE:
            data, status = self._transmit(usim.get_response(status & 0xFF))
        return data, status

    def _transmit(self, apdu: bytes) -> tuple[bytes, int]:
        try:
            data, first, second = self._connection.transmit(list(apdu))
        except Exception as error:  # as above
            raise HarnessError(f"the card does not answer any more: {error}") from error
        return bytes(data), first << 8 | second


def _connect(readers: list[Any], wanted: str) -> Any | None:
    """Connect to the card in the reader of that number or name; ``None`` when there is no such reader."""
    for number, one in enumerate(readers):
        if (wanted.isdigit() and number == int(wanted)) or wanted.lower() in str(one).lower():
            connection = one.createConnection()
            connection.connect()
            return connection
    return None
