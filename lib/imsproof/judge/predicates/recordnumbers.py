"""Whether the lab gave each DTLS record that it protected a number, and a nonce, of its own.

The facts are ``records`` of a note: for each protected record that came, in order, epoch, sequence number, content
type, the first eight bytes of its contents and a hash of all of it; ``cipher`` is the suite's OpenSSL name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from imsproof.codec.tlshello import APPLICATION_DATA, HANDSHAKE
from imsproof.judge.effect import of_exchange
from imsproof.judge.registry import Finding, fails, holds, predicate, unknown

if TYPE_CHECKING:
    from imsproof.seams import Events

FEWEST = 16
"""Protected records from which on something can be said: more than the messages of a usual handshake."""
_KINDS = {HANDSHAKE: "a handshake message", APPLICATION_DATA: "application data"}
_WITH_EXPLICIT_NONCE = ("GCM", "CCM")


@dataclass(frozen=True, slots=True)
class _Seen:
    epoch: int
    sequence: int
    content_type: int
    explicit: str
    digest: str

    @property
    def kind(self) -> str:
        return _KINDS.get(self.content_type, f"content type {self.content_type}")


@predicate("records-numbered-once")
def records_numbered_once(events: Events, *, exchange: str) -> Finding:
    """No two records have one epoch and sequence number (RFC 6347 section 4.1), or one AES-GCM nonce (RFC 5288).

    A datagram that the network doubles is one record, and a handshake message that is sent again is no other one.
    """
    note = next((event for event in of_exchange(events, exchange) if "records" in event.facts), None)
    if note is None:
        return unknown(f"{exchange}: no protected records were looked at: there was no association")
    records = [_Seen(*one) for one in note.facts["records"]]
    distinct = list({one.digest: one for one in records}.values())
    explicit = any(name in str(note.facts.get("cipher", "")) for name in _WITH_EXPLICIT_NONCE)
    for number, one in enumerate(distinct):
        for former in distinct[:number]:
            if former.content_type == one.content_type == HANDSHAKE or former.epoch != one.epoch:
                continue
            both = f"{former.kind} and {one.kind}"
            nonce = explicit and former.explicit == one.explicit
            if former.sequence == one.sequence:
                told = f"epoch {one.epoch} and sequence number {one.sequence} stand on two records, {both}"
                told += ", encrypted with the same AEAD nonce" if nonce else ""
                return fails(f"{exchange}: {told}; who drops replays loses the second", note.seq)
            if nonce:
                told = f"sequence numbers {former.sequence} and {one.sequence} ({both})"
                return fails(f"{exchange}: {told} were encrypted with the same explicit AEAD nonce", note.seq)
    if len(distinct) < FEWEST:
        return unknown(f"{exchange}: only {len(distinct)} protected records came, too few to say anything", note.seq)
    return holds(f"{exchange}: {len(distinct)} protected records have {len(distinct)} numbers", note.seq)
