"""What SIP, SBI and media nodes tell each other about a data channel: plain data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

ANY_FINGERPRINT = "SHA-256 " + ":".join(["00"] * 32)
"""Matches no certificate, unless ``media.zero_fingerprint_is_any`` is planted."""


@dataclass(frozen=True, slots=True)
class IceEnd:
    """``a=ice-ufrag`` and ``a=ice-pwd`` of one end, and whether it is lite: then it sends no checks."""

    ufrag: str
    password: str
    lite: bool = False


@dataclass(frozen=True, slots=True)
class DcEndpoint:
    """One end of a DTLS association for data channels, as SDP describes it (RFC 8841, RFC 8842).

    Attributes:
        address: textual IP address.
        port: UDP port, host order.
        fingerprint: hash name and value as in ``a=fingerprint`` (``SHA-256 AA:BB:...``).
        setup: ``actpass``, ``active`` or ``passive``.
        tls_id: value of ``a=tls-id``.
        sctp_port: value of ``a=sctp-port``.
        max_message_size: octets.
        ice: its credentials, when it speaks of ICE.
    """

    address: str
    port: int
    fingerprint: str
    setup: str
    tls_id: str
    sctp_port: int
    max_message_size: int
    ice: IceEnd | None = field(default=None, kw_only=True)


@dataclass(frozen=True, slots=True)
class DcOffer(DcEndpoint):
    """What one side offers: its endpoint, the stream ids of its data channels, and the applications they are for.

    ``far_apps`` is not offered: it is the replacement URL of the bootstrap streams that are the remote side's.
    """

    streams: tuple[int, ...] = ()
    apps: tuple[str, ...] = ()
    far_apps: str = ""


@dataclass(frozen=True, slots=True)
class DcDecision:
    """What the DCSF decided: ``anchor`` at the MF's ``local`` endpoint, ``reject``, or ``pass`` end to end."""

    kind: Literal["anchor", "reject", "pass"]
    local: DcEndpoint | None = None
