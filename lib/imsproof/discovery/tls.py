"""What a TLS server offers: versions, suites, its certificate, ALPN, and whether it looks like an NRF."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from imsproof.codec.tlsrecord import client_hello, parse_server_flight
from imsproof.link import http1
from imsproof.link.http2 import Http2Connection
from imsproof.link.session import ConnectionFailedError, Session
from imsproof.link.tcp import TcpStream
from imsproof.link.tls import TlsOptions, TlsStream

if TYPE_CHECKING:
    from imsproof.link.subject import HttpAnswer
    from imsproof.seams import Address

OLDER = {"TLSv1": 0x0301, "TLSv1.1": 0x0302, "TLSv1.2": 0x0303}
NEWEST = "TLSv1.3"
ANY_CIPHER = {NEWEST: None, "TLSv1.2": None, "TLSv1.1": "ALL:@SECLEVEL=0", "TLSv1": "ALL:@SECLEVEL=0"}
SUITES = (
    *(0xC02B, 0xC02F, 0xC02C, 0xC030, 0xCCA9, 0xCCA8),
    *(0xC009, 0xC013, 0xC00A, 0xC014, 0x009C, 0x009E, 0x002F, 0x0035),
)
"""What a hello for an older version offers: enough for any server to find one."""
MAX_FLIGHT = 64 * 1024
TOKEN_FORM = b"grant_type=client_credentials"


@dataclass(frozen=True, slots=True)
class TlsFound:
    """A TLS server.

    Attributes:
        address: where it listens.
        versions: those that it took, oldest first.
        suite: what it chose with the newest.
        alpn: what it chose of h2 and http/1.1, ``""`` for neither.
        subject, names: of its certificate.
        answer: what it said to ``GET /`` without a client certificate: a status, an alert, or why there was none.
        wants_certificate: whether it would not serve a client without a certificate.
        nrf: whether it answers a token request in OAuth 2.0's words.
    """

    address: Address
    versions: tuple[str, ...]
    suite: str = ""
    alpn: str = ""
    subject: str = ""
    names: tuple[str, ...] = ()
    answer: str = ""
    wants_certificate: bool = False
    nrf: bool = False


def look_for_tls(session: Session, address: Address) -> TlsFound | None:
    """Shake hands with each version and send two requests; ``None`` when nothing that speaks TLS is there."""
    return session.run(_look(session, address), within_all(session))


def within_all(session: Session) -> float:
    """Seconds for all that :func:`look_for_tls` does at most."""
    timers = session.timers
    return (len(OLDER) + 3) * (timers.connect + timers.handshake) + 2 * (
        timers.connect + timers.handshake + timers.answer
    )


async def _look(session: Session, address: Address) -> TlsFound | None:
    taken = [name for name, number in OLDER.items() if await _takes(session, address, name, number)]
    facts: dict[str, Any] = {}
    for version in (NEWEST, *reversed(taken)):
        options = TlsOptions(minimum=version, maximum=version, ciphers=ANY_CIPHER[version], alpn=("h2", "http/1.1"))
        with suppress(ConnectionFailedError):
            stream = await TlsStream.open(
                session, "discovery", session.exchange(f"{version} alone"), address, options, quiet=True
            )
            facts = stream.facts
            taken = list(dict.fromkeys((*taken, version)))
            await stream.aclose()
            break
    if not taken:
        return None
    alpn = str(facts.get("alpn", ""))
    answer = await _request(session, address, alpn, "GET", "/", b"")
    token = await _request(session, address, alpn, "POST", "/oauth2/token", TOKEN_FORM)
    body = token.json() if token is not None else None
    refused = answer is None or not answer.status
    return TlsFound(
        address=address,
        versions=tuple(taken),
        suite=str(facts.get("cipher", "")),
        alpn=alpn,
        subject=str(facts.get("peer_subject", "")),
        names=tuple(str(name).removeprefix("DNS:") for name in facts.get("peer_san", [])),
        answer="no answer" if answer is None else (f"answered {answer.status}" if answer.status else answer.failed),
        wants_certificate=refused,
        nrf=isinstance(body, dict) and isinstance(body.get("error"), str),
    )


async def _takes(session: Session, address: Address, name: str, version: int) -> bool:
    """Whether the server answers a hello of this version with it; what comes after (a client certificate) is left."""
    stream = await TcpStream.open(session, "discovery", session.exchange(f"{name} hello"), address, quiet=True)
    received = b""
    try:
        await stream.send(client_hello(os.urandom(32), version=version, suites=SUITES))
        while (piece := await stream.receive(session.timers.answer)) and len(received) < MAX_FLIGHT:
            received += piece
            flight = parse_server_flight(received)
            if flight.hello is not None:
                return flight.hello.version == version
            if flight.alerts:
                return False
    except (ConnectionFailedError, ValueError):
        return False
    finally:
        await stream.aclose()
    return False


async def _request(
    session: Session, address: Address, alpn: str, method: str, path: str, body: bytes
) -> HttpAnswer | None:
    exchange = session.exchange(f"{method} {path}")
    headers = [("content-type", "application/x-www-form-urlencoded")] if body else []
    host = f"[{address[0]}]" if ":" in address[0] else address[0]
    try:
        if alpn != "h2":
            url = f"https://{host}:{address[1]}{path}"
            options = TlsOptions(alpn=("http/1.1",))
            return await http1.fetch(
                session, "discovery", exchange, method, url, headers=headers, body=body, options=options
            )
        connection = await Http2Connection.open(session, "discovery", exchange, address, TlsOptions(alpn=("h2",)))
    except ConnectionFailedError:
        return None
    try:
        return await connection.request(
            method, path, authority=f"{host}:{address[1]}", scheme="https", headers=headers, body=body
        )
    finally:
        await connection.aclose()
