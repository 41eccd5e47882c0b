"""Looks at the usual ports of some hosts, one after the other, within a scope that the user has authorised."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from imsproof.discovery.sip import SipFound, look_for_sip
from imsproof.discovery.tls import TlsFound, look_for_tls
from imsproof.link.session import ConnectionFailedError, Link, Session
from imsproof.link.tcp import TcpStream
from imsproof.profile.model import Limits, Timers
from imsproof.seams import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from imsproof.actors.siptransport import TransportName

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
        ports: further ports to look at, UDP (for SIP) and TCP.
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
    open_ports = [p for p in dict.fromkeys((*SIP_PORTS, *SIP_TLS_PORTS, *SBI_PORTS, *ports)) if _open(session, host, p)]
    servers = {port: look_for_tls(session, (host, port)) for port in open_ports if port not in SIP_PORTS}
    names = [one for port in SIP_TLS_PORTS if (server := servers.get(port)) for one in server.names]
    domains = [name] if domain else [name, *_domains(names)]
    for port in dict.fromkeys((*SIP_PORTS, *ports)):
        node = _look_for_sip(session, "udp", (host, port), domains)
        if node:
            found.sip.append(node)
            told(f"{host} udp {port}: SIP, {node.answer}; {describe(node)}")
    for port in open_ports:
        _look_at_port(session, found, (host, port), servers.get(port), domains, told)
    session.close()
    return found


def _domains(names: Sequence[str]) -> list[str]:
    """What may be the home domain of a node whose certificate has these names: each without its first label."""
    parents = (name.lower().removeprefix("*.").partition(".")[2] for name in names if not name.startswith("urn:"))
    return list(dict.fromkeys(parent for parent in parents if "." in parent and not parent.replace(".", "").isdigit()))


def _look_for_sip(
    session: Session, transport: TransportName, address: tuple[str, int], domains: Sequence[str]
) -> SipFound | None:
    """Look for SIP; a node that does not challenge for one domain is asked for the next."""
    first = node = look_for_sip(session, transport, address, domains[0])
    for domain in domains[1:]:
        if node is None or node.algorithms:
            break
        node = look_for_sip(session, transport, address, domain)
    return node if node and node.algorithms else first


def _look_at_port(
    session: Session,
    found: Discovery,
    address: tuple[str, int],
    server: TlsFound | None,
    domains: Sequence[str],
    told: Callable[[str], None],
) -> None:
    host, port = address
    if server is None:
        node = _look_for_sip(session, "tcp", address, domains)
        if node:
            found.sip.append(node)
            told(f"{host} tcp {port}: SIP, {node.answer}")
        else:
            told(f"{host} tcp {port}: open, neither TLS nor SIP")
        return
    node = _look_for_sip(session, "tls", address, domains) if port in SIP_TLS_PORTS or not server.alpn else None
    seen = f"{', '.join(server.versions)}; {server.suite}; certificate of {server.subject or 'nobody'}"
    if node:
        found.sip.append(replace(node, names=server.names))
        told(f"{host} tls {port}: SIP, {node.answer}; {seen}")
        return
    found.tls.append(server)
    kind = "NRF" if server.nrf else "HTTPS"
    told(f"{host} tls {port}: {kind}, {seen}; {server.alpn or 'no ALPN'}; {server.answer}")


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
    """What a SIP node takes and how it authenticates, for people."""
    parts = [f"allows {', '.join(node.methods)}"] if node.methods else []
    if node.algorithms:
        parts.append(f"challenges a REGISTER for {node.domain} with {', '.join(node.algorithms)}")
    else:
        answer = f"answers {node.refused}" if node.refused else "does not answer"
        parts.append(f"{answer} to a REGISTER for {node.domain}, no challenge (is that the home domain? --domain)")
    if node.sec_agree:
        parts.append(f"agrees on {', '.join(node.sec_agree)}")
    return "; ".join(parts)
