"""Anonymous requests at the IMS AS: calls that a user refuses, and its own requests (TS 24.229 5.7.1.5 and 5.7.3)."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from imsproof.codec.sip import Message, SipSyntaxError, parse_name_addr, parse_uri, request
from imsproof.lab.sip.subscribers import DOMAIN, by_impu

if TYPE_CHECKING:
    from imsproof.lab.sip.policy import SipPolicy

CALLBACK = f"sip:callback@{DOMAIN}"
"""A service: who sends it a MESSAGE is sent one back that does not say whose it is."""
ANONYMOUS = '"Anonymous" <sip:anonymous@anonymous.invalid>'
"""The Anonymous User Identity of TS 23.003."""
HIDING = {"id", "user", "header"}


def is_anonymous(message: Message) -> bool:
    """Whether a request's sender is not to be known: by Privacy, by From, or for want of an asserted identity."""
    wishes = {wish.strip().lower() for text in message.get_all("Privacy") for wish in text.split(";")}
    try:
        host = parse_uri(parse_name_addr(message.get("From") or "").uri).host
    except SipSyntaxError:
        host = ""
    return bool(wishes & HIDING) or host == "anonymous.invalid" or message.get("P-Asserted-Identity") is None


def refused(message: Message, policy: SipPolicy) -> bool:
    """Whether this is an anonymous call to somebody who takes none (``SipSyntaxError``)."""
    called = by_impu(parse_uri(message.uri).aor)
    return policy.refuse_anonymous and called is not None and called.refuses_anonymous and is_anonymous(message)


def call_back(user: str, route: str, policy: SipPolicy) -> Message:
    """Write the service's own request to a user, by way of ``route``."""
    sender = ANONYMOUS if policy.anonymous_from else f"<{CALLBACK}>"
    headers = [
        ("Route", f"<{route}>"),
        ("Max-Forwards", "70"),
        ("From", f"{sender};tag={secrets.token_hex(4)}"),
        ("To", f"<{user}>"),
        ("Call-ID", secrets.token_hex(8)),
        ("CSeq", "1 MESSAGE"),
        ("P-Asserted-Identity", f"<{CALLBACK}>"),
        ("Privacy", "id"),
        ("Content-Type", "text/plain"),
    ]
    return request("MESSAGE", user, headers, b"You asked for this.")
