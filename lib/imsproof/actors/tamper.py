"""What happens to the tester's own datagrams on their way to the lab: functions for ``DtlsEndpoint.alter``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imsproof.codec.dtls import CLIENT_HELLO, Record, fragment_handshake, handshakes, split_records
from imsproof.codec.tlshello import HANDSHAKE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imsproof.codec.dtls import Handshake

FRAGMENT = 96
"""Bytes of a handshake message in one fragment."""
OVERLAP = 16


class Intruder:
    """Sends datagrams of its own behind each one of a handshake that is still in clear."""

    def __init__(self, datagrams: Sequence[bytes]) -> None:
        self._datagrams = datagrams

    def __call__(self, datagram: bytes) -> Sequence[bytes]:
        """Alter one datagram."""
        record = split_records(datagram)[0]
        clear = record.content_type == HANDSHAKE and not record.epoch
        return [datagram, *self._datagrams] if clear else [datagram]


class Shredder:
    """Sends each handshake message in clear as small fragments: last one first, overlapping, the first one twice.

    RFC 6347 section 4.2.3 has receivers reassemble them. The hello stays whole: a server that asks for a cookie keeps
    no state to reassemble it.

    Args:
        losing: they are in order and do not overlap, but every other one is lost when it is sent for the first time.
    """

    def __init__(self, *, losing: bool = False) -> None:
        self._sequence = 0
        self._losing = losing
        self._lost: set[int] = set()

    def __call__(self, datagram: bytes) -> Sequence[bytes]:
        """Alter one datagram."""
        record = split_records(datagram)[0]
        if record.epoch:
            return [datagram]
        if record.content_type != HANDSHAKE:
            return [self._numbered(record)]
        sent: list[bytes] = []
        for message in handshakes(record.fragment):
            parts = [message] if message.message_type == CLIENT_HELLO else self._what_arrives(message)
            sent += [self._numbered(part.record(version=record.version)) for part in parts]
        return sent

    def _what_arrives(self, message: Handshake) -> list[Handshake]:
        if not self._losing:
            return _shredded(message)
        parts = fragment_handshake(message, FRAGMENT)
        if message.message_seq in self._lost:
            return parts
        self._lost.add(message.message_seq)
        return parts[1::2]

    def _numbered(self, record: Record) -> bytes:
        # Further records need numbers of their own, or they would be discarded as replays.
        self._sequence += 1
        return Record(record.content_type, record.fragment, record.version, 0, self._sequence - 1).to_bytes()


def _shredded(message: Handshake) -> list[Handshake]:
    parts = fragment_handshake(message, FRAGMENT)
    longer = [
        type(part)(
            part.message_type,
            message.body[part.offset : part.offset + len(part.body) + OVERLAP],
            part.message_seq,
            part.offset,
            len(message.body),
        )
        for part in parts
    ]
    return [*reversed(longer), longer[0]]
