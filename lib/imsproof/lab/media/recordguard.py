"""Which DTLS datagrams are hostile: the lab's MF looks at each before its DTLS stack does, and mostly does nothing.

The stack (OpenSSL) discards what is wrong by itself. The guard names what it sees, so that planted faults can make
the MF die of it (``media.dies_of``) or take it for good (``media.obeys``), as careless stacks do.
"""

from __future__ import annotations

from dataclasses import replace

from imsproof.codec.dtls import CLIENT_HELLO, ClientHello, Record, TlsSyntaxError, handshakes, split_records
from imsproof.codec.tlshello import ALERT, APPLICATION_DATA, HANDSHAKE

KINDS = frozenset(
    {
        "not-dtls",
        "clear-alert",
        "clear-data",
        "early-data",
        "data-during-handshake",
        "hello-again",
        "old-epoch",
        "future-epoch",
        "replayed-record",
        "bad-record",
        "unknown-content",
        "empty-record",
        "cut-record",
        "huge-handshake",
        "fragments",
        "hello-13",
    }
)
"""Names of hostile (or, for ``fragments`` and a hello that offers DTLS 1.3, merely difficult) input."""

CLEAR = frozenset({"clear-data", "early-data", "data-during-handshake"})
"""Application data that nothing protects."""
SUPPORTED_VERSIONS, DTLS_1_3 = 43, b"\xfe\xfc"
_PROTECTED = 1
_LARGEST_MESSAGE = 1 << 16
_WINDOW = 256
_GIVEN_TWICE = 12


class RecordGuard:
    """Looks at the datagrams of one association."""

    def __init__(self) -> None:
        self._plain: dict[int, list[bytes]] = {}

    def look(self, datagram: bytes, *, connected: bool, begun: bool = False) -> set[str]:
        """Name what is hostile in a datagram, before the stack has seen it; ``begun``: a handshake goes on."""
        try:
            records = split_records(datagram)
        except TlsSyntaxError:
            return {"not-dtls"}
        kinds = {kind for record in records for kind in self._of_record(record, connected=connected)}
        if begun and "early-data" in kinds:
            kinds = kinds - {"early-data"} | {"data-during-handshake"}
        return kinds

    def _of_record(self, record: Record, *, connected: bool) -> set[str]:
        kinds = set()
        if record.length is not None:
            kinds.add("cut-record")
        if not record.fragment:
            kinds.add("empty-record")
        if record.content_type not in range(20, 26):
            kinds.add("unknown-content")
        if record.epoch == 0:
            kinds |= _in_clear(record, connected=connected)
        elif record.epoch > _PROTECTED:
            kinds.add("future-epoch")
        elif connected and record.sequence in self._plain:
            kinds.add("replayed-record")
        return kinds

    def took(self, datagram: bytes, received: list[bytes]) -> set[str]:
        """Learn what the stack made of a datagram of a connected association; name a record that it could not read."""
        try:
            records = split_records(datagram)
        except TlsSyntaxError:
            return set()
        data = [one for one in records if (one.content_type, one.epoch) == (APPLICATION_DATA, _PROTECTED)]
        if not data or data[0].sequence in self._plain:
            return set()
        if not received:
            return {"bad-record"}
        self._plain[data[0].sequence] = list(received)
        if len(self._plain) > _WINDOW:
            del self._plain[next(iter(self._plain))]
        return set()

    def careless(self, datagram: bytes, kinds: set[str]) -> list[bytes]:
        """Return the contents that a stack would hand on that takes these kinds for good."""
        try:
            records = split_records(datagram)
        except TlsSyntaxError:
            return []
        found: list[bytes] = []
        for record in records:
            if record.epoch == 0 and record.content_type == APPLICATION_DATA and kinds & CLEAR:
                found.append(record.fragment)
            elif record.epoch == _PROTECTED and "replayed-record" in kinds:
                found += self._plain.get(record.sequence, [])
        return found


def numbered_again(datagram: bytes) -> bytes:
    """Give one protected record, after the first few of an association, the number of the one before it."""
    (record,) = split_records(datagram)
    if record.epoch == 0 or record.sequence != _GIVEN_TWICE:
        return datagram
    return replace(record, sequence=_GIVEN_TWICE - 1).to_bytes()


def _in_clear(record: Record, *, connected: bool) -> set[str]:
    if record.content_type == APPLICATION_DATA:
        return {"clear-data" if connected else "early-data"}
    if record.content_type == ALERT:
        return {"clear-alert"} if connected else set()
    if record.content_type != HANDSHAKE:
        return {"old-epoch"} if connected else set()
    try:
        messages = handshakes(record.fragment)
    except TlsSyntaxError:
        return {"not-dtls"}
    kinds = set()
    for message in messages:
        total = message.total if message.total is not None else message.offset + len(message.body)
        if total > _LARGEST_MESSAGE:
            kinds.add("huge-handshake")
        if connected:
            kinds.add("hello-again" if message.message_type == CLIENT_HELLO else "old-epoch")
        elif message.offset or message.total is not None:
            kinds.add("fragments")
        elif message.message_type == CLIENT_HELLO and _offers_13(message.body):
            kinds.add("hello-13")
    return kinds


def _offers_13(body: bytes) -> bool:
    try:
        return DTLS_1_3 in (ClientHello.parse(body, dtls=True).extension(SUPPORTED_VERSIONS) or b"")
    except TlsSyntaxError:
        return False
