"""One DTLS handshake of the tester's: right, or with what is set for it, and the engine that does it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from imsproof.engine.dtls import DtlsEngine, Role
from imsproof.engine.identity import FINGERPRINT_HASHES, Identity, fingerprint

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from OpenSSL import SSL

    from imsproof.codec.sdp import Fingerprint

WEBRTC_SRTP = ("SRTP_AES128_CM_SHA1_80",)
"""WebRTC stacks offer SRTP for data channels alone too, and aiortc goes no further without it."""


@dataclass(slots=True)
class Handshake:
    """What is particular about one DTLS handshake; the defaults are a conformant peer.

    Attributes:
        identity: another certificate than the offered one.
        no_certificate: show none at all.
        ask_certificate: as a server, ask for one (which no anonymous suite goes with).
        versions, ciphers, security_level: as :class:`imsproof.engine.dtls.DtlsEngine` takes them.
        check_fingerprint: check the lab's certificate against its answer.
        injected: mark it as planted in the ladder; a refusal is expected, so SCTP is waited for no longer than
            silence (DTLS is: its first flight may be lost, and comes again after a second).
        alter: turns each datagram that is about to be sent into those that are sent instead.
        mtu: largest datagram in bytes.
        renegotiation: allow a further handshake in the association.
        resumption: take a ticket, with which a later handshake can take the session up.
        session: take up this session of a former association.
        within: seconds for the handshake; the profile's timer by default.
    """

    identity: Identity | None = None
    no_certificate: bool = False
    ask_certificate: bool = True
    versions: tuple[str, str] = ("DTLSv1.2", "DTLSv1.2")
    ciphers: bytes | None = None
    security_level: int | None = None
    check_fingerprint: bool = True
    injected: bool = False
    alter: Callable[[bytes], Sequence[bytes]] | None = None
    mtu: int = 1200
    renegotiation: bool = False
    resumption: bool = False
    session: SSL.Session | None = None
    within: float | None = None


def make_engine(
    how: Handshake,
    role: Role,
    identity: Identity,
    fingerprints: Iterable[Fingerprint],
    *,
    webrtc: bool = False,
    keylog: Callable[[str], None] | None = None,
) -> DtlsEngine:
    """Make the engine of one handshake.

    Args:
        how: its particulars.
        role: the tester's.
        identity: the certificate that was offered.
        fingerprints: what the peer announced; its certificate must have one of them.
        webrtc: offer SRTP too.
        keylog: called with each line of the NSS key log.
    """
    return DtlsEngine(
        role,
        None if how.no_certificate else (how.identity or identity),
        versions=how.versions,
        ciphers=how.ciphers,
        security_level=how.security_level,
        srtp_profiles=WEBRTC_SRTP if webrtc else (),
        require_peer_cert=how.ask_certificate,
        verify_peer=announced(fingerprints if how.check_fingerprint else ()),
        keylog=keylog,
        mtu=how.mtu,
        renegotiation=how.renegotiation,
        resumption=how.resumption,
        session=how.session,
    )


def announced(fingerprints: Iterable[Fingerprint]) -> Callable[[bytes], bool]:
    """Return the check of a certificate (DER) against fingerprints; any is right where there are none."""
    wanted = {(one.hash.lower(), one.value) for one in fingerprints}

    def matches(der: bytes) -> bool:
        return not wanted or any((name, fingerprint(der, name)) in wanted for name in FINGERPRINT_HASHES)

    return matches
