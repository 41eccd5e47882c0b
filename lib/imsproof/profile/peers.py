"""Data channels and media: reached through a call on Gm, or by a hook when one node stands alone on a bench."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from imsproof.profile.hook import Argv, Hook
from imsproof.profile.kinds import Part, Text

Suite = Literal[
    "AES_CM_128_HMAC_SHA1_80",
    "AES_CM_128_HMAC_SHA1_32",
    "AES_256_CM_HMAC_SHA1_80",
    "AEAD_AES_128_GCM",
    "AEAD_AES_256_GCM",
]


class Tap(Part):
    """A tap on a leg behind the lab's nodes."""

    command: Argv = Field(
        description="Prints what crosses there as pcap, until it is ended (tcpdump -U -w -); words, no shell."
    )


class Dc(Part):
    """How the tester gets a data channel."""

    via: Literal["gm", "hook"] = Field("gm", description="gm: by a call; hook: an offer is handed over (see hook).")
    hook: Hook | None = Field(None, description="via hook: how the offer reaches the peer, and where its answer is.")
    bootstrap: bool = Field(default=True, description="Whether stream 0 serves the application list over HTTP.")
    apps: tuple[Text, ...] = Field((), description="via hook: names of applications that the list must hold.")
    roles: tuple[Literal["active", "passive"], ...] = Field(
        ("active", "passive"), min_length=1, description="DTLS roles (a=setup) that the peer can take."
    )
    at_once: Annotated[int, Field(ge=1)] = Field(
        2, description="How many data channels the peer holds at once, in calls of their own; 1 for many a UE."
    )
    dtls: Literal["1.2", "1.3"] = Field("1.2", description="Highest DTLS version that the peer claims.")
    sctp: bool = Field(default=True, description="Whether SCTP runs inside DTLS; false for a bare DTLS peer.")
    tap: Tap | None = Field(None, description="A tap on the leg behind the MF (MDC1, MDC2), towards DCSF and DC AS.")
    req_app: Text = Field("{app}", description="Value of a=3gpp-req-app in offers; {app} is the application's name.")
    cookie_seconds: Annotated[float, Field(gt=0, le=120)] | None = Field(
        None, description="How long the peer takes an SCTP state cookie back, in seconds (RFC 9260 proposes 60)."
    )
    sctp_port: Annotated[int, Field(ge=1, le=65535)] = Field(5000, description="SCTP port that the tester offers.")
    ice: Literal["none", "supported", "required"] = Field(
        "none",
        description="ICE of the peer. supported: offered where ICE is tested; required: offered always (WebRTC).",
    )
    consent_seconds: Annotated[float, Field(gt=0, le=120)] | None = Field(
        None,
        description="How long a peer with full ICE goes on sending without consent, in seconds (RFC 7675 has 30).",
    )
    ice_role: Literal["full", "lite"] = Field("full", description="What the tester plays when it offers ICE.")


class Media(Part):
    """How the tester gets protected media from the IMS-AGW, or from a media gateway alone."""

    via: Literal["gm", "hook"] = Field("gm", description="gm: by a call; hook: an offer is handed over (see hook).")
    hook: Hook | None = Field(None, description="via hook: how the offer reaches the gateway, and where its answer is.")
    observe: Literal["far", "echo", "none"] = Field(
        "far",
        description="Where the gateway's output is seen: far (tester's own far side), echo (sent back) or none.",
    )
    suites: tuple[Suite, ...] = Field(
        ("AES_CM_128_HMAC_SHA1_80",), min_length=1, description="SRTP suites that the gateway claims."
    )
