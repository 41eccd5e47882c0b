"""Security-Client, Security-Server and Security-Verify (RFC 3329 2.2; ipsec-3gpp: TS 33.203 Annex H)."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

from imsproof.codec.sipaddress import Params, SipSyntaxError, format_params, parse_params, split_quoted

if TYPE_CHECKING:
    from collections.abc import Iterable

IPSEC_3GPP_DEFAULTS = {"ealg": "null", "prot": "esp", "mod": "trans"}
"""What a missing parameter of an ipsec-3gpp entry means (TS 33.203 Annex H, secondary)."""


@dataclass(frozen=True, slots=True)
class SecMechanism:
    """One entry of a Security-* header.

    Attributes:
        name: mechanism, e.g. ``ipsec-3gpp`` or ``tls``, in lower case.
        q: preference as written, or ``None``.
        params: all other parameters in their order (alg, ealg, prot, mod, spi-c, spi-s, port-c, port-s, d-alg ...).
    """

    name: str
    q: str | None = None
    params: Params = field(default_factory=dict)

    def __str__(self) -> str:
        """Write the entry."""
        q = "" if self.q is None else f";q={self.q}"
        return f"{self.name}{q}{format_params(self.params)}"

    def get(self, name: str) -> str | None:
        """Return a parameter in lower case, with the default of ipsec-3gpp for a missing one."""
        value = self.params.get(name)
        if value is not None:
            return value.lower()
        return IPSEC_3GPP_DEFAULTS.get(name) if self.name == "ipsec-3gpp" else None

    @property
    def preference(self) -> Decimal:
        """``q`` as a number; a missing or unreadable one counts as the lowest, below 0."""
        try:
            return Decimal(self.q) if self.q else Decimal(-1)
        except InvalidOperation:
            return Decimal(-1)

    def identity(self) -> tuple[str, str | None, frozenset[tuple[str, str | None]]]:
        """What two entries must share to be the same one: name, q and parameters in any order and case."""
        params = ((name, value.lower() if value else value) for name, value in self.params.items())
        return self.name, self.q, frozenset(params)


def parse_mechanism(text: str) -> SecMechanism:
    """Read one entry.

    Raises:
        SipSyntaxError: the entry names no mechanism.
    """
    name, _, rest = text.strip().partition(";")
    if not name.strip():
        raise SipSyntaxError(f"{text[:80]!r} names no security mechanism")
    params = parse_params(rest)
    q = params.pop("q", None)
    return SecMechanism(name.strip().lower(), q, params)


def parse_mechanisms(values: Iterable[str]) -> list[SecMechanism]:
    """Read all entries of a header's fields, in order (``SipSyntaxError`` as :func:`parse_mechanism`)."""
    return [parse_mechanism(entry) for value in values for entry in split_quoted(value, ",") if entry]


def format_mechanisms(mechanisms: Iterable[SecMechanism]) -> str:
    """Write entries as one field's value."""
    return ", ".join(str(mechanism) for mechanism in mechanisms)


def same_list(sent: Iterable[SecMechanism], echoed: Iterable[SecMechanism]) -> bool:
    """Whether Security-Verify repeats Security-Server: the same entries in the same order (RFC 3329 2.3.1)."""
    return [entry.identity() for entry in sent] == [entry.identity() for entry in echoed]
