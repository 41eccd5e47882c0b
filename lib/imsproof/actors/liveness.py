"""Is the lab still there? Probes from the same source, from another one, and what each of them saw."""

from __future__ import annotations

import ipaddress
import secrets
from typing import TYPE_CHECKING

from imsproof.actors.outsider import Outsider
from imsproof.actors.siptransport import first_declared
from imsproof.codec import sip
from imsproof.link.udp import source_toward
from imsproof.seams import HarnessError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imsproof.actors.siptransport import TransportName
    from imsproof.link.session import Session
    from imsproof.link.subject import RawAnswer
    from imsproof.profile.gm import Gm
    from imsproof.seams import Address

SERVED = (200, 202, 400, 401, 403, 404, 405, 407, 420, 421, 423, 480, 481, 488, 494)
"""Answers of a SIP node that serves, whatever it thinks of the request; 5xx are not among them."""


class SipProbe:
    """Asks a SIP node whether it serves; every probe has a socket and a conversation of its own."""

    def __init__(
        self, session: Session, gm: Gm, *, transport: TransportName | None = None, actor: str = "probe"
    ) -> None:
        """Aim at a transport of the profile, the first declared one by default."""
        declared = gm.transports()
        name = transport or first_declared(declared)
        if name is None or name not in declared:
            raise HarnessError(f"the profile declares no gm.{name or 'udp'}; there is nothing to probe")
        self.session = session
        self.gm = gm
        self.actor = actor
        self.transport: TransportName = name
        self.target = (declared[self.transport][0], declared[self.transport][1])

    def probe(self, label: str = "alive?", *, source: str | None = None) -> RawAnswer:
        """Send the profile's probe request and return what came back.

        A node that leaves OPTIONS unanswered is asked by a REGISTER too: none has to answer OPTIONS of strangers. Both
        together have the time of one answer.
        """
        timers, method = self.session.timers, self.gm.probe.method
        if method == "REGISTER":
            return self._ask(method, label, source, timers.answer)
        answer = self._ask(method, label, source, min(timers.silence, timers.answer))
        if answer.data:
            return answer
        left = max(timers.answer - timers.silence, timers.silence)
        return self._ask("REGISTER", f"{label} (by REGISTER)", source, left)

    def _ask(self, method: str, label: str, source: str | None, within: float) -> RawAnswer:
        outsider = Outsider(self.session, actor=self.actor, source=source)
        data = self._request(method, source)
        answer = outsider.send(data, self.target, label, transport=self.transport, within=within, injected=False)
        answer.accept = SERVED
        return answer

    def probes(self, sources: Sequence[str] = ()) -> list[RawAnswer]:
        """Probe from the usual source, then, if that was not served, from another one.

        Args:
            sources: the tester's addresses (``tester.addresses``); without them a loopback neighbour is taken
                where the lab is on loopback.
        """
        first = self.probe()
        found = [first]
        if not first.data:
            other = another_source(self.session, self.target, sources)
            if other is not None:
                found.append(self.probe("alive, from another source?", source=other))
        return found

    def _request(self, method: str, source: str | None) -> bytes:
        token = secrets.token_hex(8)
        host = source or self.session.source or "probe.invalid"
        user = next((one.impu for one in self.gm.subscribers), f"sip:probe@{self.gm.domain}")
        speaker = user if method == "REGISTER" else f"sip:probe@{self.gm.domain}"
        headers = [
            ("Via", f"SIP/2.0/{self.transport.upper()} {_bracketed(host)}:5060;branch=z9hG4bK{token};rport"),
            ("Max-Forwards", "70"),
            ("From", f"<{speaker}>;tag={token[:8]}"),
            ("To", f"<{speaker if method == 'REGISTER' else f'sip:{self.gm.domain}'}>"),
            ("Call-ID", f"{token}@probe.invalid"),
            ("CSeq", f"1 {method}"),
            ("Contact", f"<sip:probe@{_bracketed(host)}>"),
        ]
        return sip.request(method, self.gm.registrar, headers).to_bytes()


def another_source(session: Session, target: Address, sources: Sequence[str]) -> str | None:
    """Return a local address that requests to this target do not usually come from, the tester's own ones first."""
    usual = session.source or source_toward(target)
    return next((one for one in sources if one != usual), None) or other_source(target[0], usual)


def other_source(target: str, usual: str | None = None) -> str | None:
    """Return another local address from which a loopback target can be reached; ``None`` for other targets."""
    address = ipaddress.ip_address(target)
    if address.version != 4 or not address.is_loopback:
        return None
    network = ipaddress.ip_network("127.0.0.0/8")
    candidates = (str(network.network_address + offset) for offset in (0x10000 * 99 + 2, 0x10000 * 99 + 3))
    return next(one for one in candidates if one not in (usual, target))


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
