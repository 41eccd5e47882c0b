"""What a capture shows of TLS and DTLS: versions, suites, certificates, fingerprints."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import hashlib
from typing import TYPE_CHECKING

from cryptography import x509

from imsproof.codec.sdp import Fingerprint, SdpSyntaxError
from imsproof.codec.tlssuites import CLASSES, LATEST_RELEASE, forbidden
from imsproof.judge.passive import Look, by_address, sessions, tally
from imsproof.judge.predicates.servercert import shortcomings
from imsproof.judge.registry import Finding, predicate
from imsproof.seams import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imsproof.codec.sdp import MediaSection, Sdp
    from imsproof.seams import Address, Event, Events

LEAST = {"tls": 0x0303, "dtls": 0xFEFD}
HASHES = {"sha-1": "sha1", "sha-224": "sha224", "sha-256": "sha256", "sha-384": "sha384", "sha-512": "sha512"}


def _handshakes(events: Events, transport: str) -> list[Event]:
    return [event for event in events if event.kind is Kind.HANDSHAKE and event.transport == transport]


@predicate("seen-tls-version")
def seen_tls_version(events: Events, *, transport: str) -> Finding:
    """No server chooses a version below 1.2."""
    return tally([_version(event, transport) for event in _handshakes(events, transport)], "handshakes")


def _version(event: Event, transport: str) -> Look:
    number = int(event.facts["version_number"])
    old = number > LEAST["dtls"] if transport == "dtls" else number < LEAST["tls"]
    return Look(event, f"the server chose {event.facts['version']}" if old else "")


@predicate("seen-tls-suite")
def seen_tls_suite(events: Events, *, transport: str, release: int = 0) -> Finding:
    """No server chooses a forbidden suite; without a release, one that only newer releases forbid is doubtful."""
    looks = []
    for event in _handshakes(events, transport):
        suite, name = int(event.facts["suite"]), event.facts["cipher"]
        kinds = [kind for kind, suites in CLASSES.items() if suite in suites]
        told = f"the server chose {name} ({', '.join(kinds)})"
        if suite in forbidden(release or min(16, LATEST_RELEASE)):
            looks.append(Look(event, told))
        elif not release and suite in forbidden():
            looks.append(Look(event, doubt=f"{told}, which later releases forbid: say which one holds (--release)"))
        else:
            looks.append(Look(event))
    return tally(looks, "handshakes")


@predicate("seen-tls-compression")
def seen_tls_compression(events: Events) -> Finding:
    """No server chooses compression."""
    return tally(
        [
            Look(event, f"the server chose compression {event.facts['compression']}" * bool(event.facts["compression"]))
            for transport in ("tls", "dtls")
            for event in _handshakes(events, transport)
        ],
        "handshakes",
    )


@predicate("seen-certificate")
def seen_certificate(events: Events, *, transport: str, fields: list[str]) -> Finding:
    """The certificates that a peer went along with have strong keys and signatures, and are valid at that time."""
    looks = []
    for event in _handshakes(events, transport):
        now = dt.datetime.fromisoformat(event.utc)
        for side in _taken(event):
            for certificate in _certificates(event, side)[:1]:
                told = shortcomings(certificate, now, fields)
                looks.append(Look(event, f"the {side}'s certificate: {'; '.join(told)}" if told else ""))
    return tally(looks, "certificates")


def _taken(event: Event) -> tuple[str, ...]:
    """Return whose certificates the other side went along with; that of a TLS client may still be refused in HTTP."""
    completed = bool(event.facts.get("completed"))
    if event.transport == "dtls":
        return ("server", "client") if completed else ()
    in_clear = int(event.facts["version_number"]) <= LEAST["tls"]
    return ("server",) if event.facts.get("spoke") or (in_clear and completed) else ()


def _certificates(event: Event, side: str) -> list[x509.Certificate]:
    found = []
    for text in event.facts.get(f"{side}_certificates", []):
        try:
            found.append(x509.load_der_x509_certificate(base64.b64decode(text)))
        except (ValueError, binascii.Error):
            continue
    return found


@predicate("seen-fingerprint")
def seen_fingerprint(events: Events) -> Finding:
    """Who completes a DTLS handshake at an address shows a certificate whose fingerprint was announced for it."""
    known = by_address(sessions(events))
    looks = []
    for event in _handshakes(events, "dtls"):
        if not event.facts.get("completed"):
            continue
        for side, address in (("client", event.local), ("server", event.remote)):
            announced = list(_fingerprints(known, address))
            shown = event.facts.get(f"{side}_certificates", [])
            if address is not None and announced and shown:
                der = base64.b64decode(shown[0])
                fits = any(_digest(one.hash, der) == one.value for one in announced)
                told = f"the {side} at {address[0]}:{address[1]} showed a certificate that no SDP announced"
                looks.append(Look(event, "" if fits else told))
    return tally(looks, "certificates of announced addresses")


def _fingerprints(
    known: dict[Address, list[tuple[Sdp, MediaSection]]], address: Address | None
) -> Iterator[Fingerprint]:
    for sdp, line in known.get(address, []) if address else []:
        for text in line.attrs("fingerprint") or sdp.session.attrs("fingerprint"):
            try:
                found = Fingerprint.parse(text)
            except SdpSyntaxError:
                continue
            if found.hash.lower() in HASHES:
                yield found


def _digest(name: str, der: bytes) -> str:
    return ":".join(f"{octet:02X}" for octet in hashlib.new(HASHES[name.lower()], der).digest())
