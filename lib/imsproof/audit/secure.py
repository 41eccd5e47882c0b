"""What TLS and DTLS handshakes tell in clear: version, suite, certificates, and whether they came to their end.

Sources: RFC 5246, RFC 8446, RFC 6347.
"""

from __future__ import annotations

import base64
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from imsproof.audit.draft import Draft, between
from imsproof.codec import dtls, tlsrecord
from imsproof.codec.tlshello import ClientHello, ServerHello, TlsSyntaxError, parse_certificates, version_name
from imsproof.codec.tlssuites import suite_name
from imsproof.seams import Kind

if TYPE_CHECKING:
    from imsproof.audit.flows import Connection, Run, Way

HANDSHAKE, CHANGE_CIPHER, APPLICATION = 22, 20, 23
CLIENT_HELLO, SERVER_HELLO, CERTIFICATE = 1, 2, 11
SNI, ALPN = 0, 16
CLEAR = 64 << 10
"""Bytes of a stream in which the part of a handshake in clear lies."""
ASSOCIATIONS = 5000
MESSAGE = 64 << 10
"""Bytes of a DTLS handshake message that are kept."""
TLS_12 = 0x0303


def is_tls(run: Run) -> bool:
    """Whether a stream begins with a TLS handshake record."""
    return len(run.data) > 5 and run.data[0] == HANDSHAKE and run.data[1] == 3


def tls(connection: Connection) -> Draft | None:
    """Return the handshake of a connection as its server answered it, ``None`` when it did not."""
    there, back = connection.there.runs[0], connection.back.runs[0]
    if not is_tls(back):
        return None
    hello, facts, at = _server(bytes(back.data[:CLEAR]))
    if hello is None:
        return None
    client = _client(bytes(there.data[:CLEAR])) if is_tls(there) else None
    facts |= _told(hello, client)
    facts["completed"] = _completed(bytes(there.data[:CLEAR])) and _completed(bytes(back.data[:CLEAR]))
    mark = back.at(at)
    way = (connection.client, connection.server)
    return Draft(mark.frame, mark.utc_ns, Kind.HANDSHAKE, "tls", between(way), way, b"", facts)


def _server(stream: bytes) -> tuple[ServerHello | None, dict[str, Any], int]:
    with suppress(TlsSyntaxError, ValueError):
        flight = tlsrecord.parse_server_flight(stream)
        chain = [base64.b64encode(one).decode("ascii") for one in flight.certificates]
        return flight.hello, {"server_certificates": chain}, 0
    return None, {}, 0


def _client(stream: bytes) -> ClientHello | None:
    with suppress(TlsSyntaxError, ValueError):
        joined = b"".join(one.fragment for one in tlsrecord.split_records(stream)[0] if one.content_type == HANDSHAKE)
        for message in tlsrecord.handshakes(joined)[0]:
            if message.message_type == CLIENT_HELLO:
                return ClientHello.parse(message.body, dtls=False)
    return None


def _completed(stream: bytes) -> bool:
    """Whether a side went over to protected records."""
    kinds = [one.content_type for one in tlsrecord.split_records(stream)[0]]
    return APPLICATION in kinds or (CHANGE_CIPHER in kinds and kinds[-1] != CHANGE_CIPHER)


def _told(hello: ServerHello, client: ClientHello | None) -> dict[str, Any]:
    version = hello.selected_version
    facts: dict[str, Any] = {
        "version": version_name(version),
        "version_number": version,
        "suite": hello.suite,
        "cipher": suite_name(hello.suite),
        "compression": hello.compression,
    }
    chosen = next((data for kind, data in hello.extensions or () if kind == ALPN), None)
    if chosen and len(chosen) > 3:
        facts["alpn"] = chosen[3:].decode("ascii", "replace")
    name = client.extension(SNI) if client else None
    if name and len(name) > 5:
        facts["sni"] = name[5:].decode("ascii", "replace")
    return facts


@dataclass(slots=True)
class _Side:
    """What one end of an association said in clear: the pieces of its handshake messages."""

    pieces: dict[tuple[int, int], dict[int, bytes]] = field(default_factory=dict)
    sizes: dict[tuple[int, int], int] = field(default_factory=dict)
    protected: bool = False

    def message(self, kind: int) -> bytes | None:
        """Return the last message of a type that is whole."""
        for key in sorted((one for one in self.pieces if one[0] == kind), reverse=True):
            body = b""
            for offset, piece in sorted(self.pieces[key].items()):
                if offset > len(body):
                    break
                body += piece[len(body) - offset :]
            if len(body) == self.sizes[key]:
                return body
        return None


@dataclass(slots=True)
class _Association:
    client: Way
    random: bytes
    near: _Side = field(default_factory=_Side)
    far: _Side = field(default_factory=_Side)
    frame: int = 0
    utc_ns: int = 0


class DtlsHandshakes:
    """Follows the DTLS handshakes of a capture, datagram by datagram."""

    def __init__(self) -> None:
        """Begin with none."""
        self.left = 0
        self._all: list[_Association] = []
        self._by_ends: dict[frozenset[Any], _Association] = {}

    def take(self, frame: int, utc_ns: int, way: Way, datagram: bytes) -> bool:
        """Take a datagram that may be DTLS, and tell whether it is."""
        try:
            records = dtls.split_records(datagram)
        except TlsSyntaxError:
            return False
        if not records or records[0].version not in {dtls.DTLS_1_0, dtls.DTLS_1_2}:
            return False
        for record in records:
            if record.epoch:
                side = self._side(way)
                if side is not None:
                    side.protected = True
            elif record.content_type == HANDSHAKE:
                with suppress(TlsSyntaxError):
                    for message in dtls.handshakes(record.fragment):
                        self._message(frame, utc_ns, way, message)
        return True

    def drafts(self) -> list[Draft]:
        """Return the handshakes in which a server answered."""
        return [draft for one in self._all if (draft := _association(one)) is not None]

    def _side(self, way: Way) -> _Side | None:
        known = self._by_ends.get(frozenset(way))
        if known is None:
            return None
        return known.near if known.client == way else known.far

    def _message(self, frame: int, utc_ns: int, way: Way, message: dtls.Handshake) -> None:
        if message.message_type == CLIENT_HELLO and message.offset == 0 and len(message.body) > 34:
            self._begin(way, message.body[2:34])
        side = self._side(way)
        if side is None:
            return
        key = (message.message_type, message.message_seq)
        total = message.offset + len(message.body) if message.total is None else message.total
        if total > MESSAGE:
            return
        side.sizes[key] = total
        side.pieces.setdefault(key, {})[message.offset] = message.body
        if message.message_type == SERVER_HELLO:
            known = self._by_ends[frozenset(way)]
            known.frame, known.utc_ns = known.frame or frame, known.utc_ns or utc_ns

    def _begin(self, way: Way, random: bytes) -> None:
        known = self._by_ends.get(frozenset(way))
        if known is not None and known.random == random and known.client == way:
            return
        if len(self._all) >= ASSOCIATIONS:
            self.left += 1
            return
        one = _Association(way, random)
        self._all.append(one)
        self._by_ends[frozenset(way)] = one


def _association(one: _Association) -> Draft | None:
    body = one.far.message(SERVER_HELLO)
    if body is None:
        return None
    with suppress(TlsSyntaxError, ValueError):
        hello = ServerHello.parse(body)
        facts = _told(hello, None)
        facts["completed"] = one.near.protected and one.far.protected
        facts["server_certificates"] = _chain(one.far.message(CERTIFICATE))
        facts["client_certificates"] = _chain(one.near.message(CERTIFICATE))
        return Draft(one.frame, one.utc_ns, Kind.HANDSHAKE, "dtls", between(one.client), one.client, b"", facts)
    return None


def _chain(body: bytes | None) -> list[str]:
    with suppress(TlsSyntaxError):
        return [base64.b64encode(one).decode("ascii") for one in parse_certificates(body)] if body else []
    return []
