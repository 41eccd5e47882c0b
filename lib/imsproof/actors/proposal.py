"""The first half of a registration with ipsec-3gpp: what a UE proposes, and what came of it (TS 33.203 7.1, 7.2)."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field, replace

from imsproof.actors.esptransport import Agreed, Ends
from imsproof.actors.sipsubject import Registration
from imsproof.codec.esp import EspError
from imsproof.codec.secagree import SecMechanism, format_mechanisms
from imsproof.seams import InconclusiveError

Suite = tuple[str, str]
"""Integrity and confidentiality algorithm, as ``alg`` and ``ealg`` write them."""
SUITES: tuple[Suite, ...] = (("null", "aes-gcm"), ("hmac-sha-1-96", "aes-cbc"), ("hmac-sha-1-96", "null"))
"""What a UE offers by default."""
FIRST_PORT, PORTS = 20_000, 12_000
"""Below the ports that the system gives away by itself."""
LEAST_SPI = 256


@dataclass(slots=True, kw_only=True)
class Proposal(Registration):
    """The first half of a registration.

    Attributes:
        own: SPIs and ports that the UE chose.
        client: Security-Client as sent.
        server: Security-Server as received, empty without one.
    """

    own: Ends
    client: list[SecMechanism] = field(default_factory=list)
    server: list[SecMechanism] = field(default_factory=list)

    def chosen(self) -> SecMechanism | None:
        """The network's best entry among those that the UE offered; ``None`` when they have none in common."""
        offered = {suite_of(one) for one in self.client if one.name == "ipsec-3gpp"}
        common = [one for one in self.server if one.name == "ipsec-3gpp" and suite_of(one) in offered]
        return max(common, key=lambda one: one.preference, default=None)

    def agreed(self, ck: bytes, ik: bytes, nat_port: int) -> Agreed:
        """What came of it with the keys of the challenge.

        Raises:
            InconclusiveError: nothing that was offered, or nothing that gives an association.
        """
        chosen = self.chosen()
        if chosen is None:
            raise InconclusiveError(
                f"{self.exchange}: the network agreed on nothing of {self._offer()} ({self.in_words()})"
            )
        if not ck or not ik:
            raise InconclusiveError(f"{self.exchange}: the challenge gave no keys, so there is no association")
        try:
            peer = Ends(*(_number(chosen, name) for name in ("spi-c", "spi-s", "port-c", "port-s")))
            agreed = Agreed(*suite_of(chosen), self.own, peer, ck, ik, nat_port)
            agreed.association(peer.spi_s)
        except (ValueError, EspError) as error:
            raise InconclusiveError(f"{self.exchange}: {chosen} gives no association: {error}") from error
        return agreed

    def renumber(self, own: Ends) -> None:
        """Take other SPIs and ports."""
        self.own = own
        self.client = [
            replace(one, params={**one.params, **_numbers(own)}) if one.name == "ipsec-3gpp" else one
            for one in self.client
        ]

    def in_words(self) -> str:
        """What the network said, in words."""
        if not self.status:
            return self.failed or "no answer"
        return f"answered {self.status} with {format_mechanisms(self.server) or 'no Security-Server'}"

    def _offer(self) -> str:
        return ", ".join("/".join(suite_of(one)) for one in self.client if one.name == "ipsec-3gpp") or "no offer"


def suite_of(mechanism: SecMechanism) -> Suite:
    """Integrity and confidentiality algorithm of an entry."""
    return mechanism.get("alg") or "", mechanism.get("ealg") or ""


def _number(chosen: SecMechanism, name: str) -> int:
    """An SPI or a port of an entry (``ValueError`` when it is none)."""
    written = chosen.params.get(name) or ""
    if not written.isdecimal() or not 0 < int(written) < 1 << (32 if name.startswith("spi") else 16):
        raise ValueError(f"{name}={written} is no {'SPI' if name.startswith('spi') else 'port'}")
    return int(written)


def fresh_ends() -> Ends:
    """Choose SPIs and ports at random, all different."""
    spi_c, port_c = LEAST_SPI + secrets.randbelow(1 << 31), FIRST_PORT + 2 * secrets.randbelow(PORTS // 2)
    spi_s = LEAST_SPI + secrets.randbelow(1 << 31)
    return Ends(spi_c, spi_s + (spi_s == spi_c), port_c, port_c + 1)


def entry(suite: Suite, ends: Ends, mode: str) -> SecMechanism:
    """Write an entry of Security-Client."""
    alg, ealg = suite
    params: dict[str, str | None] = {
        "alg": alg,
        "ealg": ealg,
        "prot": "esp",
        "mod": mode,
        **_numbers(ends),
    }
    return SecMechanism("ipsec-3gpp", None, params)


def _numbers(ends: Ends) -> dict[str, str]:
    """SPIs and ports as an entry writes them."""
    return {
        "spi-c": str(ends.spi_c),
        "spi-s": str(ends.spi_s),
        "port-c": str(ends.port_c),
        "port-s": str(ends.port_s),
    }
