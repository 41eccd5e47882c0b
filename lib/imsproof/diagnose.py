"""What around a lab may keep purposes from a verdict: certificates, names, clocks, the core behind the edge, MTU, ESP.

Each remark says what was found and what to do; nothing here judges the lab.
"""

from __future__ import annotations

import base64
import datetime as dt
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryptography import x509

from imsproof.actors.gmtls import GmTlsClient
from imsproof.actors.nf import NfConsumer
from imsproof.actors.ue import Ue
from imsproof.link.esp import raw_sockets
from imsproof.link.session import looking
from imsproof.link.udp import UdpEndpoint
from imsproof.seams import Kind, Record

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from imsproof.actors.nfrequest import Target
    from imsproof.link.session import Session
    from imsproof.profile import Profile
    from imsproof.profile.gm import Gm
    from imsproof.profile.sbi import Sbi
    from imsproof.seams import Event

SOON = dt.timedelta(days=3)
CLOCKS_APART = dt.timedelta(seconds=10)
LEAST_MTU = 1300
"""A SIP request beyond it has to leave UDP (RFC 3261 section 18.1.1)."""
XFRM, ALGORITHMS = Path("/proc/net/xfrm_stat"), Path("/proc/crypto")
LOGINS = 8
"""Subscribers that are tried."""
REFUSED = {401, 403, 407}
CORE_SILENT = {408, 480, 500, 503, 504}
"""What a P-CSCF or I-CSCF says when the core behind it, or the HSS on Diameter, does not answer."""


@dataclass(frozen=True, slots=True)
class Remark:
    """One thing that was looked at: what it is about, whether it is as it should be, and the words."""

    about: str
    good: bool
    told: str


def diagnose(profile: Profile) -> list[Remark]:
    """Look around: a handshake and a request for each TLS endpoint, a registration of some subscribers, local facts."""
    with looking(profile, Record("profile-check")) as session:
        found = [*_gm(session, profile.gm), *_sbi(session, profile.sbi), *esp(profile.gm)]
        return [*found, *patience(session.record.events, profile.timers.silence)]


def _gm(session: Session, gm: Gm | None) -> Iterator[Remark]:
    if gm is None:
        return
    if gm.tls is not None:
        client = GmTlsClient(session, gm, actor="checker")
        attempt = client.handshake("the P-CSCF's certificate")
        given = gm.tls_ca is not None
        yield from certificate("gm.tls", attempt.facts, gm.tls_server_name or "", _now(), "gm.tls_ca" if given else "")
        yield from undeclared(gm, client.names, attempt.facts)
    if gm.udp is not None:
        yield from mtu("gm.udp", session.run(_path_mtu(session, gm.udp)))
    yield from domain(gm)
    if gm.subscribers:
        challenged = core(session, gm)
        yield challenged
        if challenged.good and not gm.sec_agree_required:
            yield from credentials(session, gm)


def _sbi(session: Session, sbi: Sbi | None) -> Iterator[Remark]:
    if sbi is None:
        return
    consumer = NfConsumer(session, sbi, actor="checker")
    named: list[tuple[str, Target]] = [(f"sbi.producers {one.name}", one) for one in sbi.producers]
    named += [(f"sbi.{name}", one) for name, one in (("nrf", sbi.nrf), ("scp", sbi.scp)) if one is not None]
    for name, target in named:
        if target.url.scheme != "https":
            continue
        attempt = consumer.handshake(target, f"the certificate of {name}")
        yield from certificate(name, attempt.facts, target.fqdn or "", _now(), "sbi.ca" if sbi.ca else "")
        answer = consumer.call(target, "GET", "/", label=f"the clock of {name}")
        yield from clock(name, dict(answer.headers).get("date", ""), _now())


def certificate(name: str, facts: Mapping[str, Any], expected: str, now: dt.datetime, anchor: str) -> Iterator[Remark]:
    """Say whether a server's certificate is valid now, for its name, and under the profile's anchor."""
    about = f"certificate of {name}"
    if not facts.get("peer_certificate"):
        yield Remark(about, good=False, told="no handshake, so it was not seen (does the server ask for yours?)")
        return
    shown = x509.load_der_x509_certificate(base64.b64decode(facts["peer_certificate"]))
    begins, ends = shown.not_valid_before_utc, shown.not_valid_after_utc
    if now < begins:
        yield Remark(about, good=False, told=f"valid only from {begins:%Y-%m-%d %H:%M} UTC: is a clock wrong?")
    elif now > ends:
        yield Remark(about, good=False, told=f"expired on {ends:%Y-%m-%d}: renew it, or purposes on it fail")
    else:
        soon = ", soon" if ends - now < SOON else ""
        yield Remark(about, good=not soon, told=f"valid until {ends:%Y-%m-%d}{soon}")
    names = _names(facts)
    if expected and not any(_matches(one, expected) for one in names):
        told = f"is for {', '.join(names[:4]) or 'no name'}, the profile says {expected}: one of them is wrong"
        yield Remark(about, good=False, told=told)
    if anchor and facts.get("verified", "ok") != "ok":
        yield Remark(
            about, good=False, told=f"does not verify up to {anchor}: {facts['verified']}; is it this server's CA?"
        )


def undeclared(gm: Gm, expected: Sequence[str], facts: Mapping[str, Any]) -> Iterator[Remark]:
    """Say whose name to give where the P-CSCF's certificate is not for what can be guessed."""
    names = _names(facts)
    if gm.tls_server_name is None and names and not any(_matches(one, wanted) for one in names for wanted in expected):
        told = f"is for {', '.join(names[:4])}: is the P-CSCF told to UEs by that name? Give gm.tls_server_name"
        yield Remark("certificate of gm.tls", good=False, told=told)


def domain(gm: Gm) -> Iterator[Remark]:
    """Say when the home domain is that of nobody's public identity."""
    identities = (uri for one in gm.subscribers for uri in one.impus if uri.startswith("sip"))
    hosts = {uri.partition("@")[2].partition(";")[0].partition(":")[0].lower() for uri in identities}
    if hosts and gm.domain.lower() not in hosts:
        told = f"is {gm.domain}, but the subscribers' public identities are of {', '.join(sorted(hosts))}"
        yield Remark("gm.domain", good=False, told=f"{told}: is it the home domain?")


def _names(facts: Mapping[str, Any]) -> list[str]:
    return [str(one).removeprefix("DNS:").removeprefix("IP:") for one in facts.get("peer_san", [])]


def _matches(name: str, expected: str) -> bool:
    star, _, parent = name.lower().partition(".")
    return name.lower() == expected.lower() or (star == "*" and expected.lower().partition(".")[2] == parent)


def clock(name: str, date: str, now: dt.datetime) -> Iterator[Remark]:
    """Say how far the lab's clock is from ours, by its Date: tokens and certificates are judged by both."""
    try:
        apart = parsedate_to_datetime(date) - now
    except (ValueError, TypeError):
        return
    told = f"{abs(apart.total_seconds()):.0f} s {'ahead of' if apart > dt.timedelta(0) else 'behind'} this machine"
    if abs(apart) > CLOCKS_APART:
        yield Remark(f"clock of {name}", good=False, told=f"{told}: tokens may be early or over there; set one right")
    else:
        yield Remark(f"clock of {name}", good=True, told="agrees with this machine's")


def core(session: Session, gm: Gm) -> Remark:
    """Say whether the core knows a subscriber: one REGISTER, whose challenge is not answered."""
    who = gm.subscribers[0]
    ue = Ue(session, gm, who, actor="checker")
    first = ue.challenge(label="REGISTER, the challenge is not answered")
    ue.close()
    about = f"core, asked for {who.name}"
    if first.challenge is not None:
        params = first.challenge.params
        told = f"challenges with {params.get('algorithm', 'MD5')}, realm {params.get('realm', '')!r}"
        return Remark(about, good=True, told=told)
    if first.status in CORE_SILENT:
        told = f"answered {first.status}: the edge serves, the core behind it does not (S-CSCF, HSS, Diameter peers?)"
        return Remark(about, good=False, told=told)
    if 200 <= first.status < 300:
        return Remark(about, good=True, told=f"answered {first.status} to a REGISTER without credentials")
    said = f"answered {first.status}" if first.status else f"no answer ({first.failed})"
    return Remark(about, good=False, told=f"{said}: is the subscriber provisioned, is gm.domain {gm.domain} right?")


def credentials(session: Session, gm: Gm) -> Iterator[Remark]:
    """Say whether passwords, or K and OPc, are those of the core: the first subscribers register once."""
    for who in [one for one in gm.subscribers if not one.must_agree][:LOGINS]:
        ue = Ue(session, gm, who, actor="checker")
        got = ue.register(label=f"REGISTER {who.name}")
        if got.ok:
            ue.deregister()
        ue.close()
        about = f"credentials of {who.name}"
        if got.ok:
            yield Remark(about, good=True, told="registers, and deregisters")
        elif got.autn == "wrong-mac":
            told = "the MAC in AUTN does not verify: K, OP or OPc in the profile is not what the core has"
            yield Remark(about, good=False, told=told)
        elif got.challenge is not None and got.status in REFUSED:
            own = "K, OP or OPc" if who.auth == "aka" else "password"
            told = f"answered {got.status} to its response: is its {own} that of the core?"
            yield Remark(about, good=False, told=told)
        else:
            said = f"answered {got.status}" if got.status else got.failed or "no answer"
            yield Remark(about, good=False, told=f"does not register: {said}")


async def _path_mtu(session: Session, target: tuple[str, int]) -> int:
    endpoint = await UdpEndpoint.open(session, "checker", session.exchange("MTU"), remote=target)
    found = endpoint.path_mtu()
    await endpoint.aclose()
    return found


def patience(events: Iterable[Event], silence: float) -> Iterator[Remark]:
    """Say when answers take so long that what is slow may be taken for what is silent."""
    asked: dict[str, int] = {}
    slowest = 0.0
    for event in events:
        if event.kind is Kind.SENT:
            asked.setdefault(event.exchange, event.mono_ns)
        elif event.kind is Kind.RECEIVED and event.exchange in asked:
            slowest = max(slowest, (event.mono_ns - asked.pop(event.exchange)) / 1e9)
    if slowest > silence / 2:
        told = f"took up to {slowest:.2f} s, and after timers.silence, {silence:g} s, the lab counts as silent"
        yield Remark("answers", good=False, told=f"{told}: give it {3 * slowest:.1f} or more in the profile")


def mtu(name: str, octets: int) -> Iterator[Remark]:
    """Say whether requests of the usual size fit into one datagram."""
    if octets:
        small = octets < LEAST_MTU
        told = f"{octets} octets" + (": requests are cut into fragments, which firewalls may drop" if small else "")
        yield Remark(f"MTU towards {name}", good=not small, told=told)


def esp(gm: Gm | None) -> Iterator[Remark]:
    """Say how ESP can be had on this machine, where the profile names ipsec-3gpp."""
    if gm is None or "ipsec-3gpp" not in gm.sec_agree:
        return
    raw = raw_sockets()
    told = "in user space, on a raw socket" if raw else "no raw socket: run as root, or with CAP_NET_RAW"
    yield Remark("ESP, the tester's side", good=raw, told=told)
    if not XFRM.exists():
        told = "has no XFRM: a lab on this very machine must do ESP itself, kernel associations cannot be made"
        yield Remark("ESP in this kernel", good=True, told=told)
        return
    known = "authenc" in _text(ALGORITHMS) or "seqiv" in _text(ALGORITHMS)
    told = "has XFRM" + ("" if known else ", but no ESP algorithm is loaded")
    yield Remark(
        "ESP in this kernel", good=True, told=f"{told}; associations of a lab here take packets before the tester"
    )


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
