"""Reliable provisional answers to an INVITE: each is acknowledged with PRACK (RFC 3262 section 4, unchecked)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imsproof.actors.call import Dialog
from imsproof.codec import sip

if TYPE_CHECKING:
    from imsproof.actors.ue import Ue

RELIABLE = "100rel"
SAME = ("Call-ID", "From", "CSeq")


class Early:
    """What a caller does while its calls ring."""

    def __init__(self, ue: Ue) -> None:
        """Begin with no calls."""
        self._ue = ue
        self._taken: dict[str, list[tuple[str | None, str]]] = {}

    def pracks(self, call_id: str) -> int:
        """How many numbers (CSeq) PRACK has used up in a call."""
        return len(self._taken.get(call_id, ()))

    def take(self, message: sip.Message, exchange: str) -> None:
        """Acknowledge a provisional answer, where it is a reliable one that is new."""
        number, call_id = message.get("RSeq") or "", message.get("Call-ID") or ""
        required = [one.strip().lower() for one in message.values("Require")]
        if message.method != "INVITE" or RELIABLE not in required or not number.strip().isdecimal():
            return
        taken = self._taken.setdefault(call_id, [])
        key = (message.get("To"), number.strip())
        if key in taken:
            return
        taken.append(key)
        self._ue.transactions.later(self._acknowledge(message, number.strip(), exchange, len(taken)))

    async def _acknowledge(self, message: sip.Message, number: str, exchange: str, count: int) -> None:
        ue, cseq = self._ue, message.get("CSeq") or ""
        asked = sip.request("INVITE", message.get("To") or "", [(name, message.get(name) or "") for name in SAME])
        dialog = Dialog.of_caller(asked, message)
        headers = [*dialog.headers("PRACK", dialog.cseq + count), ("RAck", f"{number} {cseq}")]
        prack = ue.build("PRACK", dialog.target, headers)
        await ue.asend(prack, exchange, ue.session.timers.answer)
