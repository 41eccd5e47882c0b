"""What a SIP node offers: methods, authentication schemes, mechanisms of the security agreement."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from imsproof.actors.outsider import Outsider
from imsproof.codec import sip
from imsproof.codec.secagree import parse_mechanisms

if TYPE_CHECKING:
    from imsproof.actors.siptransport import TransportName
    from imsproof.link.session import Session
    from imsproof.seams import Address

USER = "imsproof-discovery"
CLIENT = "ipsec-3gpp;alg=hmac-sha-1-96;ealg=null;prot=esp;mod=trans;spi-c=7001;spi-s=7002;port-c=7003;port-s=7004, tls"
CHALLENGES = ("WWW-Authenticate", "Proxy-Authenticate")


@dataclass(frozen=True, slots=True)
class SipFound:
    """A SIP node on one transport.

    Attributes:
        transport: ``udp``, ``tcp`` or ``tls``.
        address: where it answered.
        answer: its first line to OPTIONS.
        methods: of Allow, none when it does not say.
        realm: of its challenge to a REGISTER, ``""`` without one.
        algorithms: digest algorithms of its challenges, in order.
        sec_agree: mechanisms of Security-Server.
        domain: the home domain that it was asked for.
        refused: first line of its answer to a REGISTER when that was no challenge, ``""`` when there was none.
        names: of its certificate.
    """

    transport: str
    address: Address
    answer: str
    methods: tuple[str, ...] = ()
    realm: str = ""
    algorithms: tuple[str, ...] = ()
    sec_agree: tuple[str, ...] = ()
    domain: str = ""
    refused: str = ""
    names: tuple[str, ...] = ()

    @property
    def auth(self) -> str:
        """``aka``, ``digest``, or ``""`` when it did not challenge."""
        if any(one.upper().startswith("AKA") for one in self.algorithms):
            return "aka"
        return "digest" if self.algorithms else ""


def look_for_sip(session: Session, transport: TransportName, address: Address, domain: str) -> SipFound | None:
    """Send one OPTIONS and two REGISTERs without credentials; ``None`` when nothing that speaks SIP answers."""
    outsider = Outsider(session, actor="discovery")
    answer = _ask(outsider, transport, address, "OPTIONS", f"sip:{domain}", domain)
    plain = _ask(outsider, transport, address, "REGISTER", f"sip:{domain}", domain)
    if answer is None and plain is None:
        return None
    agreed = _ask(
        outsider,
        transport,
        address,
        "REGISTER",
        f"sip:{domain}",
        domain,
        [("Require", "sec-agree"), ("Proxy-Require", "sec-agree"), ("Security-Client", CLIENT)],
    )
    challenges = [value for one in (plain, agreed) if one for name in CHALLENGES for value in one.get_all(name)]
    read = [_challenge(value) for value in challenges]
    mechanisms = [value for one in (agreed, plain) if one for value in one.get_all("Security-Server")]
    first = answer or plain
    return SipFound(
        transport=transport,
        address=address,
        answer=first.start_line[:80] if first else "",
        methods=tuple(answer.values("Allow")) if answer else (),
        realm=next((realm for realm, _ in read if realm), ""),
        algorithms=tuple(dict.fromkeys(algorithm for _, algorithm in read if algorithm)),
        sec_agree=tuple(dict.fromkeys(name for value in mechanisms for name in _mechanisms(value))),
        domain=domain,
        refused=plain.start_line[len("SIP/2.0 ") :][:80] if plain and not read else "",
    )


def _ask(
    outsider: Outsider,
    transport: TransportName,
    address: Address,
    method: str,
    uri: str,
    domain: str,
    more: list[tuple[str, str]] | None = None,
) -> sip.Message | None:
    token = secrets.token_hex(8)
    user = f"sip:{USER}@{domain}"
    headers = [
        ("Via", f"SIP/2.0/{transport.upper()} discovery.invalid:5060;branch=z9hG4bK{token};rport"),
        ("Max-Forwards", "70"),
        ("From", f"<{user}>;tag={token[:8]}"),
        ("To", f"<{user if method == 'REGISTER' else uri}>"),
        ("Call-ID", f"{token}@discovery.invalid"),
        ("CSeq", f"1 {method}"),
        ("Contact", "<sip:discovery.invalid>"),
        *(more or []),
    ]
    data = sip.request(method, uri, headers).to_bytes()
    answer = outsider.send(data, address, f"{method} over {transport}", transport=transport, linger=0.0, injected=False)
    for got in reversed(answer.data):
        try:
            message = sip.Message.parse(got)
        except sip.SipSyntaxError:
            continue
        if not message.is_request and message.status >= 200:
            return message
    return None


def _challenge(value: str) -> tuple[str, str]:
    try:
        scheme, params = sip.parse_challenge(value)
    except (sip.SipSyntaxError, ValueError):
        return "", ""
    if scheme.lower() != "digest":
        return "", ""
    return params.get("realm") or "", params.get("algorithm") or "MD5"


def _mechanisms(value: str) -> list[str]:
    try:
        return [one.name for one in parse_mechanisms([value])]
    except ValueError:
        return []
