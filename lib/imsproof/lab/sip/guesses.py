"""Failed authentications in a row, by subscriber and source: after too many of them, more are refused unseen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imsproof.codec.sip import SipSyntaxError
from imsproof.lab.sip import hops
from imsproof.lab.sip.tables import Table

if TYPE_CHECKING:
    from imsproof.codec.sip import Message
    from imsproof.lab.sip.policy import SipPolicy

LOCK_SECONDS = 30.0
"""How long a source stays refused after its last failure."""


class Guesses:
    """Who has failed how often without a success in between."""

    def __init__(self) -> None:
        self._failures: Table[tuple[str, str], int] = Table(LOCK_SECONDS, 10_000)

    def clear(self) -> None:
        """Forget all."""
        self._failures.clear()

    def locked(self, impi: str, register: Message, policy: SipPolicy) -> bool:
        """Whether this source (or, when planted, anybody) may not try this subscriber for now."""
        failed = self._failures.get(_key(impi, register, policy)) or 0
        return policy.guess_limit > 0 and failed >= policy.guess_limit

    def failed(self, impi: str, register: Message, policy: SipPolicy) -> None:
        """Count a failure."""
        key = _key(impi, register, policy)
        self._failures.put(key, (self._failures.get(key) or 0) + 1)

    def succeeded(self, impi: str, register: Message, policy: SipPolicy) -> None:
        """Forget the failures of who has succeeded."""
        self._failures.pop(_key(impi, register, policy))


def _key(impi: str, register: Message, policy: SipPolicy) -> tuple[str, str]:
    return impi, source(register) if policy.guess_lock_source else ""


def source(register: Message) -> str:
    """The IP address that a REGISTER came from, as the P-CSCF noted it in the UE's Via; empty without one."""
    vias = register.values("Via")
    try:
        via = hops.parse_via(vias[1] if len(vias) > 1 else vias[0])
    except (SipSyntaxError, IndexError):
        return ""
    return via.params.get("received") or via.host
