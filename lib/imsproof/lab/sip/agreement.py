"""The security agreement at the P-CSCF (RFC 3329, TS 33.203 7.2): what it offers, and that it was not bid down."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from imsproof.codec.secagree import SecMechanism, format_mechanisms, parse_mechanisms, same_list
from imsproof.codec.sip import Message, SipSyntaxError
from imsproof.lab.sip.tables import Table

if TYPE_CHECKING:
    from imsproof.lab.sip.transport import Flow

PROTECTED_PORTS = ("5064", "5066")
"""The protected client and server port."""
INTEGRITY = ("hmac-sha-1-96", "aes-gmac")
CONFIDENTIALITY = ("aes-gcm", "aes-cbc", "null")
TAG = "sec-agree"


@dataclass(frozen=True, slots=True)
class Agreement:
    """What was agreed with one UE: what each side listed."""

    client: list[SecMechanism]
    server: list[SecMechanism]


class RefusedError(Exception):
    """There is no agreement; ``header`` is Security-Server's value for the 494."""

    def __init__(self, header: str) -> None:
        super().__init__("security agreement required")
        self.header = header


class Agreements:
    """The agreements under way and in force, by the UE's flow."""

    def __init__(self) -> None:
        self._by_flow: Table[Flow, Agreement] = Table(4000.0, 10_000)

    def clear(self) -> None:
        """Forget all."""
        self._by_flow.clear()

    def enter(self, register: Message, flow: Flow, *, answers: bool, check: bool) -> str | None:
        """Take a REGISTER; return Security-Server's value for its challenge, ``None`` when none was asked for.

        Args:
            register: the request.
            flow: where it came from.
            answers: whether it answers a challenge, so that Security-Verify is due.
            check: whether Security-Verify is held against what was sent.

        Raises:
            RefusedError: no common mechanism, or the lists differ from those of the challenge.
        """
        required = TAG in {tag.lower() for tag in (*register.values("Require"), *register.values("Proxy-Require"))}
        try:
            client = parse_mechanisms(register.get_all("Security-Client"))
            verify = parse_mechanisms(register.get_all("Security-Verify"))
        except SipSyntaxError:
            raise RefusedError(format_mechanisms(_offer([]))) from None
        known = self._by_flow.get(flow)
        if answers and known is not None:
            if check and not (same_list(known.server, verify) and same_list(known.client, client)):
                self._by_flow.pop(flow)
                raise RefusedError(format_mechanisms(known.server))
            return None
        if not client and not required:
            return None
        server = _offer(client)
        if not any(_acceptable(mechanism) for mechanism in client):
            raise RefusedError(format_mechanisms(server))
        self._by_flow.put(flow, Agreement(client, server))
        return format_mechanisms(server)


def _acceptable(mechanism: SecMechanism) -> bool:
    if mechanism.name == "tls":
        return True
    return (
        mechanism.name == "ipsec-3gpp"
        and mechanism.get("alg") in INTEGRITY
        and mechanism.get("ealg") in CONFIDENTIALITY
        and mechanism.get("prot") == "esp"
        and mechanism.get("mod") == "trans"
    )


def _offer(client: list[SecMechanism]) -> list[SecMechanism]:
    """List what the P-CSCF supports, best first; SPIs differ from the UE's (TS 33.203 7.1)."""
    taken = {mechanism.params.get(name) for mechanism in client for name in ("spi-c", "spi-s")}
    spis: list[str] = []
    while len(spis) < 2:
        spi = str(secrets.randbelow(0xFFFFFFFF - 256) + 256)
        if spi not in taken and spi not in spis:
            spis.append(spi)
    common = {
        "prot": "esp",
        "mod": "trans",
        "spi-c": spis[0],
        "spi-s": spis[1],
        "port-c": PROTECTED_PORTS[0],
        "port-s": PROTECTED_PORTS[1],
    }
    return [
        SecMechanism("ipsec-3gpp", "0.5", {"alg": "hmac-sha-1-96", "ealg": "aes-cbc", **common}),
        SecMechanism("ipsec-3gpp", "0.4", {"alg": "hmac-sha-1-96", "ealg": "null", **common}),
        SecMechanism("tls", "0.1"),
    ]
