"""The security agreement at the P-CSCF (RFC 3329, TS 33.203 7.2): what it offers, and that it was not bid down."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from imsproof.codec.secagree import SecMechanism, format_mechanisms, parse_mechanisms, same_list
from imsproof.codec.sip import Message, SipSyntaxError
from imsproof.lab.sip.tables import Table

if TYPE_CHECKING:
    from imsproof.lab.sip.policy import SipPolicy
    from imsproof.lab.sip.transport import Flow

PROTECTED_CLIENT_PORT, PROTECTED_SERVER_PORT = 5064, 5066
SUITES = (("null", "aes-gcm"), ("hmac-sha-1-96", "aes-cbc"), ("aes-gmac", "null"), ("hmac-sha-1-96", "null"))
"""Integrity and confidentiality, best first."""
FORBIDDEN = (("hmac-md5-96", "des-ede3-cbc"), ("hmac-md5-96", "null"))
"""What Annex H once had; a conformant P-CSCF does not take it."""
TAG = "sec-agree"
AGREEMENT_REQUIRED = 494
MODES = ("trans", "udp-enc-tun")
"""Transport mode, and tunnel mode in UDP for a UE behind a NAT (TS 33.203 M.7.1)."""
SPI_NAMES, PORT_NAMES = ("spi-c", "spi-s"), ("port-c", "port-s")


@dataclass(frozen=True, slots=True)
class Agreement:
    """What one UE and the P-CSCF listed, and the entries that hold.

    Attributes:
        client, server: the lists as they crossed in the first REGISTER and its answer.
        ue, own: the chosen entry of each list; ``None`` when TLS was agreed, or nothing.
    """

    client: list[SecMechanism]
    server: list[SecMechanism]
    ue: SecMechanism | None = None
    own: SecMechanism | None = None

    @property
    def header(self) -> str:
        """Security-Server's value."""
        return format_mechanisms(self.server)


class RefusedError(Exception):
    """There is no agreement.

    Attributes:
        status: 494; 421 for who did not ask for an agreement at all.
        headers: of the answer.
    """

    def __init__(self, header: str, status: int = AGREEMENT_REQUIRED) -> None:
        super().__init__("security agreement required")
        self.status = status
        required = [("Require", TAG)] if status != AGREEMENT_REQUIRED else []
        self.headers = [*required, ("Security-Server", header)]


class Agreements:
    """The agreements under way, by flow and Call-ID of the unprotected REGISTER (another UE may get the same port)."""

    def __init__(self) -> None:
        self._by_flow: Table[tuple[Flow, str | None], Agreement] = Table(240.0, 10_000)

    def clear(self) -> None:
        """Forget all."""
        self._by_flow.clear()

    def propose(self, register: Message, flow: Flow, policy: SipPolicy, *, must: bool = False) -> Agreement | None:
        """Take the first REGISTER; ``None`` when it asks for no agreement and need not (``must``).

        Raises:
            RefusedError: no common mechanism.
        """
        required = TAG in {tag.lower() for tag in (*register.values("Require"), *register.values("Proxy-Require"))}
        client = _read(register, "Security-Client")
        if not client and not (required and policy.require_security_client):
            if must and policy.require_agreement:
                raise RefusedError(format_mechanisms(_offer(client, _own_suites(policy), policy)), 421)
            return None
        agreement = _agree(client, policy)
        if agreement is None:
            raise RefusedError(format_mechanisms(_offer(client, _own_suites(policy), policy)))
        self._by_flow.put((flow, register.get("Call-ID")), agreement)
        return agreement

    def unprotected_answer(self, register: Message, flow: Flow, policy: SipPolicy) -> None:
        """Take an answer to a challenge that came without protection.

        Raises:
            RefusedError: an association was agreed, so that the answer must come through it; or TLS was, and the lists
                differ.
        """
        known = self._by_flow.get((flow, register.get("Call-ID")))
        if known is None:
            return
        if known.own is not None and policy.require_protected_answer:
            raise RefusedError(known.header)
        confirm(known, register, policy)


def confirm(agreement: Agreement, register: Message, policy: SipPolicy) -> None:
    """Hold the lists of the answer against those of the challenge (TS 33.203 7.2).

    Raises:
        RefusedError: they differ.
    """
    client, verify = _read(register, "Security-Client"), _read(register, "Security-Verify")
    if policy.choose_by_verify and verify:
        return
    if not verify and policy.require_security_verify:
        raise RefusedError(agreement.header)
    if policy.check_security_client and not same_list(agreement.client, client):
        raise RefusedError(agreement.header)
    sent, given = agreement.server, verify
    if not policy.verify_algorithms:
        sent, given = _without(sent, "alg", "ealg"), _without(given, "alg", "ealg")
    if not policy.verify_addresses:
        sent, given = _without(sent, *SPI_NAMES, *PORT_NAMES), _without(given, *SPI_NAMES, *PORT_NAMES)
    if policy.check_security_verify and verify and not same_list(sent, given):
        raise RefusedError(agreement.header)


def verified(register: Message) -> tuple[str, str] | None:
    """The algorithms of the first entry of Security-Verify; ``None`` when there is none of ipsec-3gpp."""
    found = [one for one in _read(register, "Security-Verify") if one.name == "ipsec-3gpp"]
    return suite_of(found[0]) if found else None


def _read(register: Message, name: str) -> list[SecMechanism]:
    try:
        return parse_mechanisms(register.get_all(name))
    except SipSyntaxError:
        raise RefusedError(format_mechanisms([SecMechanism("tls", "0.1")])) from None


def _without(mechanisms: list[SecMechanism], *names: str) -> list[SecMechanism]:
    return [
        SecMechanism(one.name, one.q, {name: value for name, value in one.params.items() if name not in names})
        for one in mechanisms
    ]


def _own_suites(policy: SipPolicy) -> tuple[tuple[str, str], ...]:
    suites = SUITES if not policy.forbidden_algorithms else (*SUITES, *FORBIDDEN)
    return tuple(suite for suite in suites if suite[1] != "null" or not policy.require_confidentiality)


def _agree(client: list[SecMechanism], policy: SipPolicy) -> Agreement | None:
    own = _own_suites(policy)
    media = [one for one in client if "mediasec" in one.params]
    if media and not policy.mediasec_beside:
        return Agreement(client, [SecMechanism(media[0].name, "0.9", {"mediasec": None})])
    offered = {suite_of(one): one for one in reversed(client) if _usable(one)}
    if policy.client_priority:
        own = tuple(suite for suite in reversed(offered) if suite in own)[:1]
    chosen = next((suite for suite in own if suite in offered), None)
    server = _offer(client, own, policy)
    if chosen is not None:
        entry = next(one for one in server if suite_of(one) == chosen)
        return Agreement(client, server, offered[chosen], entry)
    if any(one.name == "tls" for one in client):
        return Agreement(client, server)
    if policy.unknown_mechanism_accepted and client:
        return Agreement(client, [SecMechanism(client[0].name, "0.9")])
    return None


def suite_of(mechanism: SecMechanism) -> tuple[str, str]:
    """Integrity and confidentiality algorithm of an entry."""
    return mechanism.get("alg") or "", mechanism.get("ealg") or ""


def _usable(mechanism: SecMechanism) -> bool:
    """Whether an entry is one of ipsec-3gpp with all that an association needs."""
    numbers = [mechanism.params.get(name) or "" for name in (*SPI_NAMES, *PORT_NAMES)]
    return (
        mechanism.name == "ipsec-3gpp"
        and mechanism.get("prot") == "esp"
        and mechanism.get("mod") in MODES
        and all(text.isascii() and text.isdigit() and 0 < int(text) < 1 << 32 for text in numbers)
        and all(int(text) < 1 << 16 for text in numbers[2:])
    )


def _offer(client: list[SecMechanism], suites: tuple[tuple[str, str], ...], policy: SipPolicy) -> list[SecMechanism]:
    """List what the P-CSCF supports, best first; SPIs differ from the UE's (TS 33.203 7.1)."""
    taken = [one.params.get(name) or "" for one in client for name in SPI_NAMES]
    spis: list[str] = []
    while len(spis) < len(SPI_NAMES):
        spi = str(secrets.randbelow(0xFFFFFFFF - 256) + 256)
        if spi not in taken and spi not in spis:
            spis.append(spi)
    if not policy.spis_differ and len(taken) >= len(SPI_NAMES):
        spis = taken[:2]
    common: dict[str, str | None] = {
        "prot": "esp",
        "mod": next((one.params.get("mod") for one in client if _usable(one)), "trans"),
        "spi-c": spis[0],
        "spi-s": spis[1],
        "port-c": str(PROTECTED_CLIENT_PORT),
        "port-s": str(PROTECTED_SERVER_PORT),
    }
    entries = [
        SecMechanism("ipsec-3gpp", f"0.{9 - number}", {"alg": alg, "ealg": ealg, **common})
        for number, (alg, ealg) in enumerate(suites)
    ]
    return [*entries, SecMechanism("tls", "0.1")]
