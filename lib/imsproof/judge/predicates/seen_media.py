"""What a capture shows of sessions: what was agreed on their protection, and what crossed then."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from imsproof.codec.sdp import Crypto, Fingerprint, SdpSyntaxError
from imsproof.judge.passive import Legs, Look, by_address, sessions, tally
from imsproof.judge.registry import Finding, predicate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imsproof.codec.sdp import MediaSection, Sdp
    from imsproof.judge.passive import Session
    from imsproof.seams import Address, Event, Events

BROKEN = {"md2", "md5"}
WEAK = {"sha-1"}
FRAME = 80
"""Bytes of 10 ms of G.711 and G.722: plain payloads are multiples of it; with a tag (4, 10, 16) they are not."""
FIXED = {0, 8, 9}
TAGS = (4, 10, 16)
CLEAR = {"udp", "tcp"}


@predicate("seen-fingerprint-hash")
def seen_fingerprint_hash(events: Events) -> Finding:
    """Who agrees on DTLS or TLS for media announces a fingerprint with a hash that is not broken."""
    looks = [
        Look(event, *_hashes(sdp, line))
        for session in sessions(events)
        for event, sdp, line in session.sides()
        if _has_tls(line)
    ]
    return tally(looks, "media lines with DTLS or TLS")


def _has_tls(line: MediaSection) -> bool:
    return any(word in {"TLS", "DTLS"} for word in line.proto.upper().split("/")) or bool(line.attrs("fingerprint"))


def _hashes(sdp: Sdp, line: MediaSection) -> tuple[str, str]:
    """Return what is wrong with the fingerprints that hold for a media line, and what is doubtful."""
    names = set()
    for text in line.attrs("fingerprint") or sdp.session.attrs("fingerprint"):
        try:
            names.add(Fingerprint.parse(text).hash.lower())
        except SdpSyntaxError:
            continue
    if not names:
        return f"{line.kind} {line.proto} was agreed without a fingerprint that can be read", ""
    if names <= BROKEN:
        return f"{line.kind} {line.proto} was agreed with {', '.join(sorted(names))} alone", ""
    if names <= BROKEN | WEAK:
        return "", f"{line.kind} {line.proto} was agreed with {', '.join(sorted(names))} alone"
    return "", ""


@predicate("seen-data-channel")
def seen_data_channel(events: Events) -> Finding:
    """Data channels are agreed over DTLS only."""
    looks = []
    for session in sessions(events):
        for event, _, line in session.sides():
            if line.kind == "application" and ("SCTP" in line.proto.upper() or line.attr("dcmap") is not None):
                wrong = f"a data channel was agreed over {line.proto}"
                looks.append(Look(event, "" if "DTLS" in line.proto.upper() else wrong))
    return tally(looks, "media lines of data channels")


def _keys(line: MediaSection) -> Iterator[Crypto]:
    for text in line.attrs("crypto"):
        try:
            yield Crypto.parse(text)
        except SdpSyntaxError:
            continue


@predicate("seen-sdes-clear")
def seen_sdes_clear(events: Events) -> Finding:
    """No SDES key crosses between a UE and its network in clear."""
    legs = Legs(events)
    looks = []
    for session in sessions(events):
        for event, _, line in session.sides():
            if legs.of_ue(event) and any(_keys(line)):
                told = f"the {line.kind} key of a session crossed in clear ({event.transport})"
                looks.append(Look(event, told if event.transport in CLEAR else ""))
    return tally(looks, "SDES keys between UEs and their network")


@predicate("seen-sdes-own")
def seen_sdes_own(events: Events) -> Finding:
    """The two directions of a session have SDES keys of their own, and a node uses none for two calls of its own."""
    legs = Legs(events)
    looks: list[Look] = []
    calls: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    found = sessions(events)
    of_ues = {key for one in found for event, key in _said(one) if legs.is_ue(event.local)}
    for session in found:
        for mine, yours in session.lines:
            offered, taken = {one.key_b64 for one in _keys(mine)}, {one.key_b64 for one in _keys(yours)}
            if offered and taken:
                same = "both directions of a session have the same key"
                looks.append(Look(session.answer, same if offered & taken else ""))
        for event, key in _said(session):
            passed_on = not legs.is_ue(event.local) and key in of_ues
            if not legs.of_ue(event) or passed_on or event.local is None:
                continue
            before = calls[event.local[0], key]
            again = bool(before - {event.exchange})
            before.add(event.exchange)
            looks.append(Look(event, f"{event.local[0]} uses a key that it used in another call" if again else ""))
    return tally(looks, "SDES keys in sessions")


def _said(session: Session) -> Iterator[tuple[Event, str]]:
    for event, _, line in session.sides():
        for key in _keys(line):
            yield event, key.key_b64


def _to_secure(events: Events) -> Iterator[Event]:
    """Yield the RTP flows to addresses for which SRTP is agreed."""
    known = by_address(sessions(events))
    for event in events:
        lines = known.get(event.remote, []) if event.transport == "rtp" and event.remote else []
        if lines and all("SAVP" in line.proto.upper() for _, line in lines):
            yield event


@predicate("seen-srtp")
def seen_srtp(events: Events) -> Finding:
    """Where SRTP is agreed, what crosses is not plain RTP (told by the length of G.711 and G.722)."""
    looks = []
    for event in _to_secure(events):
        sizes = [(size, count) for kind, size, count in event.facts.get("sizes", []) if kind in FIXED and size]
        plain = sum(count for size, count in sizes if size % FRAME == 0)
        sealed = sum(count for size, count in sizes if any(size > tag and (size - tag) % FRAME == 0 for tag in TAGS))
        if plain or sealed:
            told = f"{plain} packets to {_written(event.remote)} are plain RTP, and SRTP was agreed"
            looks.append(Look(event, told if plain > sealed else ""))
    return tally(looks, "flows of G.711 or G.722 for which SRTP is agreed")


@predicate("seen-index-once")
def seen_index_once(events: Events) -> Finding:
    """In a flow of SRTP no packet index stands for two contents, which would give the keystream away (RFC 3711 9.1)."""
    looks = []
    for event in _to_secure(events):
        again = event.facts.get("reused", [])
        told = f"to {_written(event.remote)} the same index was used for two contents (packets {again})"
        looks.append(Look(event, told if again else ""))
    return tally(looks, "flows for which SRTP is agreed")


@predicate("seen-sctp-clear")
def seen_sctp_clear(events: Events) -> Finding:
    """At addresses where a data channel is agreed, nobody answers SCTP outside of DTLS."""
    known = by_address(sessions(events))
    bare = {(one.local, one.remote) for one in events if one.transport == "sctp" and one.facts.get("clear")}
    looks = []
    for event in events:
        ends = [one for one in (event.local, event.remote) if one and _is_dtls(known, one)]
        if ends and event.transport == "sctp" and (event.local, event.remote) in bare:
            told = f"SCTP crossed in clear at {_written(ends[0])}, both ways"
            looks.append(Look(event, told if (event.remote, event.local) in bare else ""))
        elif ends and event.transport == "dtls":
            looks.append(Look(event))
    return tally(looks, "conversations of data channels")


def _is_dtls(known: dict[Address, list[tuple[Sdp, MediaSection]]], address: Address) -> bool:
    return any("DTLS/SCTP" in line.proto.upper() for _, line in known.get(address, []))


@predicate("seen-msrp-clear")
def seen_msrp_clear(events: Events) -> Finding:
    """Where MSRP over TLS is agreed, no MSRP crosses in clear."""
    known = by_address(sessions(events))
    looks = []
    for event in events:
        if event.transport != "msrp":
            continue
        lines = [line for end in (event.local, event.remote) if end for _, line in known.get(end, [])]
        agreed = any("TLS/MSRP" in line.proto.upper() for line in lines)
        told = f"MSRP crossed in clear at {_written(event.remote)}"
        if not event.facts.get("clear"):
            looks.append(Look(event))
        elif agreed:
            looks.append(Look(event, f"{told}, and TLS was agreed"))
        else:
            looks.append(Look(event, doubt=f"{told}; nothing in the capture says that TLS was agreed"))
    return tally(looks, "MSRP connections")


def _written(address: Address | None) -> str:
    return f"{address[0]}:{address[1]}" if address else "?"
