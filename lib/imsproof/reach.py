"""Reaching out to each endpoint that a profile declares: is somebody there, and for more than one at a time?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from imsproof.link import http1
from imsproof.link.session import ConnectionFailedError, looking
from imsproof.link.tcp import TcpStream
from imsproof.link.tls import TlsOptions, TlsStream
from imsproof.link.udp import UdpEndpoint
from imsproof.seams import ImsproofError, Kind, Record

if TYPE_CHECKING:
    from imsproof.link.session import Session
    from imsproof.profile import Profile
    from imsproof.seams import Address

OPTIONS_REQUEST = (
    "OPTIONS {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {host}:{port};branch=z9hG4bKcheck;rport\r\nMax-Forwards: 70\r\n"
    "From: <{uri}>;tag=check\r\nTo: <{uri}>\r\nCall-ID: check@{host}\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
)


@dataclass(frozen=True, slots=True)
class Reached:
    """What came of reaching out to one endpoint."""

    endpoint: str
    good: bool
    told: str


def reach(profile: Profile) -> list[Reached]:
    """Reach out to each endpoint that the profile declares: a connection, a handshake, one OPTIONS."""
    with looking(profile, Record("profile-check")) as session:
        return [_one(session, name, kind, address) for name, kind, address in _endpoints(profile)]


def endpoints(profile: Profile) -> list[str]:
    """Each address and port that the profile declares, as ``192.0.2.1:5060``."""
    return [f"{address[0]}:{address[1]}" for _, _, address in _endpoints(profile)]


def one_at_a_time(profile: Profile) -> list[str]:
    """The TLS endpoints that shake hands with nobody while another connection is open and says nothing.

    Purposes side by side would keep each other from them, and take one another's silence for the lab's.
    """
    with looking(profile, Record("one-at-a-time")) as session:
        return [
            name
            for name, kind, address in _endpoints(profile)
            if kind == "tls" and session.run(_alone(session, address))
        ]


async def _alone(session: Session, address: Address) -> bool:
    try:
        idle = await TcpStream.open(session, "checker", session.exchange("an idle connection"), address, quiet=True)
        silent_beside_it = await _silent(session, address)
        await idle.aclose()
        return silent_beside_it and not await _silent(session, address)
    except ImsproofError:
        return False


async def _silent(session: Session, address: Address) -> bool:
    """Whether a server leaves a hello without any answer; a refusal is one."""
    exchange = session.exchange("check one connection beside another")
    try:
        stream = await TlsStream.open(session, "checker", exchange, address, TlsOptions(), quiet=True)
    except ConnectionFailedError:
        return any(event.kind is Kind.TIMEOUT for event in session.record.events if event.exchange == exchange)
    await stream.aclose()
    return False


def _endpoints(profile: Profile) -> list[tuple[str, str, Address]]:
    found: list[tuple[str, str, Address]] = []
    if profile.gm:
        found += [(f"gm.{name}", name, address) for name, address in profile.gm.transports().items()]
    if profile.sbi:
        named = [(f"sbi.producers {one.name}", one.url) for one in profile.sbi.producers]
        named += [("sbi.nrf", profile.sbi.nrf.url)] if profile.sbi.nrf else []
        named += [("sbi.scp", profile.sbi.scp.url)] if profile.sbi.scp else []
        found += [_of_url(name, str(url)) for name, url in named]
    if profile.kms:
        found.append(_of_url("kms", str(profile.kms.request)))
    return found


def _of_url(name: str, url: str) -> tuple[str, str, Address]:
    scheme, address, _ = http1.split_url(url)
    return name, "tls" if scheme == "https" else "tcp", address


def _one(session: Session, name: str, kind: str, address: Address) -> Reached:
    where = f"{name} {kind} {address[0]} port {address[1]}"
    try:
        return Reached(where, *session.run(_try(session, kind, address)))
    except ConnectionFailedError as error:
        return Reached(where, good=False, told=str(error))
    except ImsproofError as error:
        return Reached(where, good=False, told=f"not tried: {error}")


async def _try(session: Session, kind: str, address: Address) -> tuple[bool, str]:
    exchange = session.exchange(f"check {kind}")
    if kind == "udp":
        return await _options(session, exchange, address)
    if kind == "tcp":
        tcp = await TcpStream.open(session, "checker", exchange, address)
        await tcp.aclose()
        return True, "the connection opens"
    tls = await TlsStream.open(session, "checker", exchange, address, TlsOptions())
    await tls.aclose()
    facts = next(
        (event.facts for event in session.record.events if event.exchange == exchange and event.kind == "handshake"), {}
    )
    return True, f"{facts.get('version', 'TLS')}, {facts.get('cipher', '')}, {facts.get('peer_subject', '')}"


async def _options(session: Session, exchange: str, address: Address) -> tuple[bool, str]:
    endpoint = await UdpEndpoint.open(session, "checker", exchange, remote=address)
    host, port = endpoint.local
    shown = f"[{host}]" if ":" in host else host
    uri = f"sip:{address[0]}" if ":" not in address[0] else f"sip:[{address[0]}]"
    await endpoint.send(OPTIONS_REQUEST.format(uri=uri, host=shown, port=port).encode())
    got = await endpoint.receive(session.timers.answer)
    await endpoint.aclose()
    if got is None:
        return False, endpoint.refused or f"no answer to OPTIONS within {session.timers.answer} s"
    return True, got[0].split(b"\r\n")[0].decode("utf-8", "replace")[:80]
