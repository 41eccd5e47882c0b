"""The notifier of registration states at the S-CSCF (RFC 3680, TS 24.229 5.4.2.1)."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import TYPE_CHECKING
from xml.sax.saxutils import quoteattr

from imsproof.codec.sip import Message, parse_name_addr, request

if TYPE_CHECKING:
    from imsproof.lab.sip.policy import SipPolicy
    from imsproof.lab.sip.registrar import Registration

EXPIRES = 600
SECRET = secrets.token_bytes(32)
"""Ids are made with it, so that they say nothing of whom they stand for."""


def document(registration: Registration, policy: SipPolicy) -> bytes:
    """Write the document of registration states of a subscriber."""
    subscriber = registration.subscriber
    contacts = "".join(
        f'<contact id={quoteattr(_id(uri, subscriber.impi, policy))} state="active" event="registered">'
        f"<uri>{uri.replace('&', '&amp;').replace('<', '&lt;')}</uri></contact>"
        for uri in registration.contacts
    )
    entries = "".join(
        f"<registration aor={quoteattr(impu)} id={quoteattr(_id(impu, subscriber.impi, policy))}"
        f' state="active">{contacts}</registration>'
        for impu in subscriber.impus
    )
    text = f'<?xml version="1.0"?><reginfo xmlns="urn:ietf:params:xml:ns:reginfo" version="0" state="full">{entries}'
    return f"{text}</reginfo>".encode()


def _id(what: str, impi: str, policy: SipPolicy) -> str:
    if not policy.opaque_reginfo:
        return impi
    return hmac.digest(SECRET, what.encode(), hashlib.sha256).hex()[:16]


def notification(subscribe: Message, tag: str, body: bytes, contact: str) -> Message:
    """Write the first NOTIFY of a subscription that was accepted with this To tag (``SipSyntaxError``)."""
    target = parse_name_addr(subscribe.get("Contact") or "").uri
    headers = [
        *(("Route", route) for route in subscribe.values("Record-Route")),
        ("Max-Forwards", "70"),
        ("From", f"{subscribe.get('To')};tag={tag}"),
        ("To", subscribe.get("From") or ""),
        ("Call-ID", subscribe.get("Call-ID") or ""),
        ("CSeq", "1 NOTIFY"),
        ("Contact", f"<{contact}>"),
        ("Event", "reg"),
        ("Subscription-State", f"active;expires={EXPIRES}"),
        ("Content-Type", "application/reginfo+xml"),
    ]
    return request("NOTIFY", target, headers, body)
