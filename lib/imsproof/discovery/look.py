"""Looks at the usual ports of some hosts, one after the other, within a scope that the user has authorised."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from imsproof.discovery.sip import SipFound, look_for_sip
from imsproof.discovery.tls import TlsFound, look_for_tls
from imsproof.link.session import ConnectionFailedError, Link, Session
from imsproof.link.tcp import TcpStream
from imsproof.profile.model import Limits, Timers
from imsproof.seams import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

SIP_PORTS = (5060, 4060, 6060)
SIP_TLS_PORTS = (5061,)
SBI_PORTS = (443, 8443, 7777, 8000, 9443, 29510)


@dataclass(slots=True)
class Discovery:
    """What one host offers."""

    host: str
    sip: list[SipFound] = field(default_factory=list)
    tls: list[TlsFound] = field(default_factory=list)

    @property
    def empty(self) -> bool:
        """Whether nothing was found."""
        return not (self.sip or self.tls)


def discover(
    hosts: Sequence[str],
    *,
    ports: Sequence[int] = (),
    domain: str = "",
    told: Callable[[str], None] = lambda _line: None,
) -> list[Discovery]:
    """Look at each host and say what was found, as it is found.

    Args:
        hosts: IP addresses; nothing is sent to any other.
        ports: further TCP ports to look at.
        domain: home domain for SIP requests; the host's address by default.
        told: called with one line for people per finding.

    Raises:
        ValueError: a host is not an IP address.
    """
    allowed = {str(ipaddress.ip_address(host)) for host in hosts}
    timers = Timers.model_validate({"connect": 1.0, "answer": 1.0, "handshake": 2.0, "silence": 0.5})
    link = Link(scope_allows=allowed.__contains__, limits=Limits(packets_per_second=200), timers=timers)
    try:
        return [_one(link.session(Record(f"discovery-{host}")), host, ports, domain, told) for host in sorted(allowed)]
    finally:
        link.close()


def _one(session: Session, host: str, ports: Sequence[int], domain: str, told: Callable[[str], None]) -> Discovery:
    found = Discovery(host)
    name = domain or (f"[{host}]" if ":" in host else host)
    for port in SIP_PORTS:
        node = look_for_sip(session, "udp", (host, port), name)
        if node:
            found.sip.append(node)
            told(f"{host} udp {port}: SIP, {node.answer}; {describe(node)}")
    open_ports = [p for p in dict.fromkeys((*SIP_PORTS, *SIP_TLS_PORTS, *SBI_PORTS, *ports)) if _open(session, host, p)]
    for port in open_ports:
        _look_at_port(session, found, (host, port), name, told)
    session.close()
    return found


def _look_at_port(
    session: Session, found: Discovery, address: tuple[str, int], domain: str, told: Callable[[str], None]
) -> None:
    host, port = address
    server = look_for_tls(session, address) if port not in SIP_PORTS else None
    if server is None:
        node = look_for_sip(session, "tcp", address, domain)
        if node:
            found.sip.append(node)
            told(f"{host} tcp {port}: SIP, {node.answer}")
        else:
            told(f"{host} tcp {port}: open, neither TLS nor SIP")
        return
    node = look_for_sip(session, "tls", address, domain) if port in SIP_TLS_PORTS or not server.alpn else None
    if node:
        found.sip.append(node)
        told(f"{host} tls {port}: SIP, {node.answer}; {', '.join(server.versions)}")
        return
    found.tls.append(server)
    kind = "NRF" if server.nrf else "HTTPS"
    told(f"{host} tls {port}: {kind}, {', '.join(server.versions)}; {server.alpn or 'no ALPN'}; {server.answer}")


def _open(session: Session, host: str, port: int) -> bool:
    async def attempt() -> bool:
        try:
            stream = await TcpStream.open(session, "discovery", session.exchange(f"port {port}"), (host, port))
        except ConnectionFailedError:
            return False
        await stream.aclose()
        return True

    return session.run(attempt())


def describe(node: SipFound) -> str:
    """How a SIP node authenticates, for people."""
    parts = [f"challenges with {', '.join(node.algorithms)}" if node.algorithms else "does not challenge a REGISTER"]
    if node.sec_agree:
        parts.append(f"agrees on {', '.join(node.sec_agree)}")
    return "; ".join(parts)
