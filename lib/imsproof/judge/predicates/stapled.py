"""The OCSP response that a server staples to its handshake (RFC 6066 section 8, RFC 6960 sections 3.2 and 4.2.2)."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.x509 import ocsp

from imsproof.codec import ocspsigner
from imsproof.judge.effect import of_exchange
from imsproof.judge.registry import Finding, fails, holds, predicate, unknown
from imsproof.seams import Kind

if TYPE_CHECKING:
    from collections.abc import Callable

    from imsproof.seams import Event, Events

SKEW = dt.timedelta(minutes=5)
"""Clocks may differ by this."""


@predicate("stapled")
def stapled(events: Events, *, exchange: str, ca: str = "") -> Finding:
    """The server stapled an OCSP response that says that its certificate is good, and that can be believed.

    Args:
        events: the journal.
        exchange: the conversation with the handshake.
        ca: PEM of the anchors of the lab's servers: where the server sends no issuer along, it is among these.
    """
    own = of_exchange(events, exchange)
    done = next((event for event in own if event.kind is Kind.HANDSHAKE and "stapled" in event.facts), None)
    if done is None:
        return unknown(f"{exchange}: no handshake in which a status was asked for")
    if not done.facts["stapled"]:
        return fails(f"{exchange}: the server stapled no OCSP response, though it was asked to", done.seq)
    try:
        told = next((text for check in CHECKS if (text := check(_held(done, ca)))), "")
    except (ValueError, TypeError, binascii.Error) as error:
        return fails(f"{exchange}: the stapled OCSP response cannot be read: {error}", done.seq)
    if told:
        return fails(f"{exchange}: the stapled OCSP response {told}", done.seq)
    return holds(f"{exchange}: the stapled OCSP response says that the certificate is good", done.seq)


@dataclass(frozen=True, slots=True)
class _Held:
    """A response with what it is held against."""

    response: ocsp.OCSPResponse
    certificate: x509.Certificate
    issuers: list[x509.Certificate]
    now: dt.datetime


def _held(done: Event, ca: str) -> _Held:
    chain = [x509.load_der_x509_certificate(base64.b64decode(one)) for one in done.facts.get("peer_chain", ())]
    known = [*chain[1:], *(x509.load_pem_x509_certificates(ca.encode()) if ca else ())]
    return _Held(
        ocsp.load_der_ocsp_response(base64.b64decode(done.facts["stapled"])),
        chain[0],
        [one for one in known if ocspsigner.issued(chain[0], one)],
        dt.datetime.fromisoformat(done.utc),
    )


def _successful(held: _Held) -> str:
    status = held.response.response_status
    return "" if status is ocsp.OCSPResponseStatus.SUCCESSFUL else f"is an error: {status.name.lower()}"


def _about_it(held: _Held) -> str:
    serial = held.certificate.serial_number
    answers = [one.serial_number for one in held.response.responses]
    return "" if serial in answers else f"is about another certificate (serial {answers[0]:x}, not {serial:x})"


def _good(held: _Held) -> str:
    status = _single(held).certificate_status
    return "" if status is ocsp.OCSPCertStatus.GOOD else f"says that the certificate is {status.name.lower()}"


def _fresh(held: _Held) -> str:
    one = _single(held)
    if one.this_update_utc > held.now + SKEW:
        return f"is from {one.this_update_utc:%Y-%m-%d %H:%M} UTC, which is ahead"
    end = one.next_update_utc
    if end is not None and end < held.now - SKEW:
        return f"was to be renewed by {end:%Y-%m-%d %H:%M} UTC"
    return ""


def _signed(held: _Held) -> str:
    if not held.issuers:
        return "cannot be verified: neither the server's chain nor sbi.ca has the certificate's issuer"
    for issuer in held.issuers:
        if ocspsigner.signed_by(held.response, issuer):
            return ""
        for one in held.response.certificates:
            if ocspsigner.signed_by(held.response, one) and ocspsigner.issued(one, issuer):
                return "" if ocspsigner.may_sign(one) else "is signed with a certificate that is for no OCSP signing"
    return "is signed neither by the certificate's issuer nor by one whom the issuer lets sign"


CHECKS: tuple[Callable[[_Held], str], ...] = (_successful, _about_it, _good, _fresh, _signed)
"""What must be right, in this order; each returns what is wrong, or an empty text."""


def _single(held: _Held) -> ocsp.OCSPSingleResponse:
    return next(one for one in held.response.responses if one.serial_number == held.certificate.serial_number)
