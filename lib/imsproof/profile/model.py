"""The profile: what the lab is, what it claims (ICS), how it is reached (IXIT), and what may be done to it."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from imsproof.profile import capabilities
from imsproof.profile.accepted import Accepted
from imsproof.profile.capabilities import Claim
from imsproof.profile.gm import FarEnd, Gm
from imsproof.profile.hook import Argv
from imsproof.profile.kinds import Address, ByteCount, File, HttpUrl, IpText, Part, Text
from imsproof.profile.kms import Kms
from imsproof.profile.msrp import Msrp
from imsproof.profile.mw import Mw
from imsproof.profile.peers import Dc, Media
from imsproof.profile.sbi import Sbi
from imsproof.profile.scope import Scope

FORMAT_VERSION = 1

Seconds = Annotated[float, Field(gt=0, le=60)]


class Limits(Part):
    """How much the tester may send."""

    packets_per_second: Annotated[int, Field(ge=1, le=1_000_000)] = Field(
        20_000, description="Cap on packets per second, over all purposes."
    )
    bytes_per_second: Annotated[ByteCount, Field(ge=1_000, le=10**10)] = Field(
        100_000_000, description="Cap on bytes per second, over all purposes, as 100 MB."
    )
    concurrent_calls: Annotated[int, Field(ge=1, le=1_000)] = Field(10, description="Cap on calls at the same time.")
    flood_packets: Annotated[int, Field(ge=1, le=1_000_000)] = Field(
        2_000, description="Cap on packets of one flood purpose."
    )
    flood_rate: Annotated[int, Field(ge=1, le=1_000_000)] = Field(
        1_000, description="Packets per second of one flood purpose."
    )


class Timers(Part):
    """How long the tester waits for the lab, in seconds."""

    connect: Seconds = Field(2.0, description="TCP connect.")
    answer: Seconds = Field(3.0, description="Answer to a request.")
    silence: Seconds = Field(0.6, description="After this without an answer, the lab has not answered.")
    handshake: Seconds = Field(3.0, description="TLS or DTLS handshake.")
    register_: Seconds = Field(3.0, alias="register", description="A whole registration.")
    call: Seconds = Field(5.0, description="A call set-up.")
    associations: Seconds = Field(
        33.0, description="How long ESP associations may be served still after new ones took over (64 times T1)."
    )


def _expression(text: str) -> str:
    try:
        re.compile(text.encode())
    except re.error as error:
        raise ValueError(f"a regular expression; this one is none: {error}") from None
    return text


class Health(Part):
    """A way of one's own to see that the lab is well, beside the probes."""

    command: Argv | None = Field(None, description="A command (no shell) that exits with 0 when the lab is well.")
    http: HttpUrl | None = Field(None, description="A URL that answers 2xx when the lab is well.")
    log: File | None = Field(None, description="A log file of the lab, kept with the evidence of failures.")
    alarm: Annotated[Text, AfterValidator(_expression)] = Field(
        r"(?i)segfault|segmentation fault|core dumped|assertion .*failed|stack smashing|double free"
        r"|AddressSanitizer|panic",
        description="Regular expression of lines of the log that mean harm (campaigns).",
    )
    pids: File | None = Field(
        None, description="A file with process ids of the lab on this machine; campaigns see them change or grow."
    )


class Fuzz(Part):
    """Doors that only campaigns knock at."""

    ng: Address | None = Field(None, description="rtpengine's ng control protocol over UDP: address and port.")
    stun: Address | None = Field(None, description="A STUN or TURN server over UDP: address and port.")


class Capture(Part):
    """How packets are captured."""

    interface: Text | None = Field(None, description="Network interface of the lab, as lo; found by route if absent.")
    tap: bool = Field(default=False, description="Use the tester's own tap even where the wire could be captured.")


class Tester(Part):
    """The tester's own side."""

    addresses: tuple[IpText, ...] = Field(
        (), description="IP addresses to send from; a second one tells throttling of one source from a dead lab."
    )


class Profile(Part):
    """A lab as its owner declares it. Only ``name`` and ``scope`` are required."""

    imsproof: Annotated[int, Field(ge=FORMAT_VERSION, le=FORMAT_VERSION)] = Field(
        FORMAT_VERSION, description="Version of the profile's format."
    )
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")] = Field(
        description="Short name of the lab (letters, digits, dot, dash); part of the run folder's name."
    )
    description: Annotated[str, Field(max_length=4096)] = Field("", description="What the lab is, for reports.")
    scope: Scope = Field(description="What may be touched, who authorised it, and until when.")
    limits: Limits = Field(Limits(), description="How much the tester may send.")
    timers: Timers = Field(Timers(), description="How long the tester waits, in seconds.")
    claims: tuple[Claim, ...] = Field((), description="Mechanisms that the lab claims to support.")
    claims_not: tuple[Claim, ...] = Field((), description="Mechanisms that the lab does not support, said openly.")
    tester: Tester = Field(Tester(), description="The tester's own side.")
    gm: Gm | None = Field(None, description="SIP access: P-CSCF or registrar, and subscribers.")
    mw: Mw | None = Field(None, description="Nodes behind the P-CSCF, and borders towards far networks.")
    sbi: Sbi | None = Field(None, description="Service-based interfaces.")
    dc: Dc | None = Field(None, description="Data channels; by a call on Gm when left out.")
    media: Media | None = Field(None, description="Protected media; by a call on Gm when left out.")
    kms: Kms | None = Field(None, description="Key management service (MIKEY-TICKET).")
    msrp: Msrp | None = Field(None, description="Message sessions; by a call on Gm when left out.")
    health: Health | None = Field(None, description="A way of one's own to see that the lab is well.")
    fuzz: Fuzz = Field(Fuzz(), description="Doors that only campaigns knock at.")
    capture: Capture = Field(Capture(), description="How packets are captured.")
    accepted: tuple[Accepted, ...] = Field(
        (), description="Purposes that are known not to pass; verdicts stay, run --accepted takes no notice of them."
    )

    @property
    def far(self) -> FarEnd | None:
        """The lab's own UE that takes calls."""
        return self.gm.far_end if self.gm else None

    def capabilities(self) -> dict[str, str]:
        """Tokens of what the lab has, each with ``""``; a token that is not in it is missing."""
        return {token: "" for token in capabilities.TOKENS if not self.why_missing(token)}

    def why_missing(self, token: str) -> str:
        """Say in one sentence which field would give a capability; ``""`` when it is there.

        Raises:
            KeyError: no such token (see :data:`imsproof.profile.capabilities.TOKENS`).
        """
        return capabilities.why_missing(self, token)

    def secrets(self) -> list[str]:
        """Texts that must not appear in evidence unless they crossed the wire: keys in hexadecimal, passwords."""
        found: set[str] = set()
        for subscriber in self.gm.subscribers if self.gm else ():
            tuak, card = subscriber.tuak, subscriber.card
            operator = (subscriber.op, subscriber.opc, tuak.top if tuak else None, tuak.topc if tuak else None)
            for key in (subscriber.k, *operator):
                if key is not None:
                    found |= {key.hex(), key.hex().upper()}
            found |= {text for text in (subscriber.password, card.pin if card else None) if text}
        found |= {
            text for user in (self.kms.users if self.kms else ()) for text in (user.psk.hex(), user.psk.hex().upper())
        }
        return sorted(found)
