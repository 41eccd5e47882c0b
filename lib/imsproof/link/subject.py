"""What the actors hand back: one conversation of one record, with the fields that a testcase likes to read.

Every class here is a `seams.Subject`: the judge reads ``record`` and ``exchange`` and nothing else; the other
fields only steer a testcase (a token to use, an SDP to answer).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from imsproof.seams import Record


@dataclass(slots=True, kw_only=True)
class Exchange:
    """One conversation of one record.

    Attributes:
        record: the record that it is part of.
        exchange: its name in the journal, e.g. ``3:REGISTER``.
        failed: why there is no answer, in a sentence, or ``""``.
        accept: the statuses that mean that the lab accepted, or ``None`` for every 2xx.
    """

    record: Record = field(repr=False)
    exchange: str
    failed: str = ""
    accept: tuple[int, ...] | None = None

    @property
    def answered(self) -> bool:
        """Whether the lab answered at all."""
        return not self.failed


@dataclass(slots=True, kw_only=True)
class RawAnswer(Exchange):
    """What came back to raw bytes: datagrams or chunks in order; empty when the lab was silent."""

    data: tuple[bytes, ...] = ()


@dataclass(slots=True, kw_only=True)
class Attempt(Exchange):
    """A connection attempt: TCP, TLS or DTLS.

    Attributes:
        connected: the handshake (or connect) was completed on the tester's side.
        facts: the handshake's facts as in the journal (version, cipher, peer_sha256, ...).
    """

    connected: bool = False
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class HttpAnswer(Exchange):
    """An HTTP answer (HTTP/1.1 or HTTP/2).

    Attributes:
        status: the status code, or 0 when there was none.
        headers: (name in lower case, value) in the order received.
        body: the body as received, never decompressed, cut at the reader's bound.
        truncated: the body or the header list was longer than the bound.
        reset: HTTP/2 error code of an RST_STREAM, or ``None``.
        goaway: HTTP/2 error code of a GOAWAY that ended the connection, or ``None``.
    """

    status: int = 0
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    truncated: bool = False
    reset: int | None = None
    goaway: int | None = None

    @property
    def ok(self) -> bool:
        """Whether the status is 2xx."""
        return 200 <= self.status < 300

    def header(self, name: str) -> str | None:
        """Return the first header of that name, whatever its case, or ``None``."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key == wanted), None)

    def json(self) -> Any:
        """Return the body as JSON values, or ``None`` when it is not JSON."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None
