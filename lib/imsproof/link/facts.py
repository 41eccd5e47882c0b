"""Facts about messages for the journal, read from the bytes alone: shared by every transport that carries them."""

from __future__ import annotations

from typing import Any

from imsproof.codec import sip


def sip_facts(data: bytes) -> dict[str, Any]:
    """Return ``sip``, ``method``, ``status``, ``call_id`` and ``cseq`` of a SIP message; empty when it is none."""
    try:
        message = sip.Message.parse(data)
    except sip.SipSyntaxError:
        return {}
    facts: dict[str, Any] = {
        "sip": "request" if message.is_request else "response",
        "call_id": message.get("Call-ID") or "",
        "cseq": message.get("CSeq") or "",
    }
    if message.is_request:
        facts["method"] = message.method
    else:
        facts["status"] = message.status
        facts["method"] = facts["cseq"].split()[-1] if facts["cseq"].split() else ""
    return facts
