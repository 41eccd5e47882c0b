"""Gm: how UEs reach the network under test, and who the subscribers are."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from imsproof.profile.hook import Release
from imsproof.profile.kinds import Address, File, Hex16, Hex48, Key, Key128, Key256, Part, Text

Impu = Annotated[str, Field(pattern=r"^(sips?:[^\s<>]+@[^\s<>]+|tel:\+?[0-9*#().;=A-Za-z+-]+)$", max_length=512)]
SipUri = Annotated[str, Field(pattern=r"^(sips?:[^\s<>]+|tel:\+?[0-9*#().;=A-Za-z+-]+)$", max_length=512)]
AKA_ALGORITHMS = ("AKAv1-MD5", "AKAv2-MD5", "AKAv2-SHA-256")
DigestAlgorithm = Literal["MD5", "SHA-256", "SHA-512-256", "AKAv1-MD5", "AKAv2-MD5", "AKAv2-SHA-256"]


def _res(octets: int) -> int:
    if octets not in (4, 8, 16, 32):
        raise ValueError("4, 8, 16 or 32 octets")
    return octets


class Tuak(Part):
    """TUAK instead of Milenage, with what an operator may choose (TS 35.231)."""

    top: Key256 | None = Field(None, repr=False, description="The operator's TOP; give either top or topc.")
    topc: Key256 | None = Field(
        None, repr=False, description="TOPc, derived from TOP and K, 64 hexadecimal digits; give either top or topc."
    )
    res: Annotated[int, AfterValidator(_res)] = Field(8, description="Octets of RES: 4, 8, 16 or 32.")
    iterations: Annotated[int, Field(ge=1, le=255)] = Field(1, description="How often Keccak is run.")


class Card(Part):
    """A USIM or ISIM in a PC/SC reader of the tester's machine; it needs pyscard."""

    reader: Text = Field("0", description="Number of the reader, from 0, or a part of its name.")
    application: Literal["usim", "isim"] = Field("usim", description="Which application of the card answers.")
    pin: Text | None = Field(None, repr=False, description="PIN 1, where the card asks for it.")


class Subscriber(Part):
    """A subscriber of the lab that the tester may play: with a USIM's secrets (AKA) or a password (digest)."""

    name: Text = Field(description="A short name for reports, as a or alice; unique.")
    impi: Annotated[str, Field(pattern=r"^[^\s<>]+$", max_length=512)] = Field(
        description="Private identity, as user@domain (the digest user name)."
    )
    impus: tuple[Impu, ...] = Field(
        min_length=1, description="Public identities (sip: or tel: URI); the first is used."
    )
    k: Key | None = Field(
        None, repr=False, description="AKA: the subscriber's key K, 32 hexadecimal digits (with TUAK also 64)."
    )
    op: Key128 | None = Field(None, repr=False, description="AKA: the operator's OP; give either op or opc.")
    opc: Key128 | None = Field(None, repr=False, description="AKA: OPc, derived from OP and K; give either op or opc.")
    tuak: Tuak | None = Field(None, description="AKA: TUAK instead of Milenage; then no op and opc.")
    card: Card | None = Field(None, description="AKA: a card in a reader, instead of k.")
    amf: Hex16 = Field(b"\x80\x00", description="AKA: the AMF that the network sends.")
    sqn: Hex48 = Field(bytes(6), description="AKA: highest SQN that the USIM has accepted.")
    password: Text | None = Field(None, repr=False, description="Digest: the password.")
    algorithm: DigestAlgorithm | None = Field(
        None,
        description="The algorithm of the network's challenges (AKA: AKAv1- or AKAv2-); any when left out.",
    )
    data_channel: bool = Field(default=False, description="Whether this subscriber may use data channels.")
    apps: tuple[Text, ...] = Field((), description="Names of the data-channel applications that it may use.")
    refuses_anonymous: bool = Field(
        default=False, description="Whether an AS refuses anonymous calls to this subscriber (TS 24.611)."
    )
    must_agree: bool = Field(
        default=False,
        description="Whether the network serves this one with a security agreement alone; then it is used for nothing"
        " else (for all of them: gm.sec_agree_required).",
    )

    @property
    def kind(self) -> tuple[str, str | None, bool]:
        """What its challenges are: by secret, algorithm, and whether by TUAK."""
        return self.auth, self.algorithm, self.tuak is not None

    @property
    def auth(self) -> Literal["aka", "digest"]:
        """How the subscriber authenticates: by which secret it has."""
        return "aka" if self.k is not None or self.card is not None else "digest"

    @property
    def impu(self) -> str:
        """The first public identity."""
        return self.impus[0]


class FarEnd(Part):
    """A UE of the lab's own that takes calls."""

    uri: SipUri = Field(description="Whom to call.")
    answers: tuple[Literal["audio", "data-channel", "message"], ...] = Field(
        ("audio",), description="Media that it accepts."
    )


class Callback(Part):
    """A service of an AS that, when it is sent a MESSAGE, sends a request of its own without saying whose it is."""

    uri: SipUri = Field(description="Where the MESSAGE goes.")
    method: Literal["INVITE", "MESSAGE"] = Field("MESSAGE", description="What the AS then sends to the user.")


class GmProbe(Part):
    """A request that a healthy network answers, to see that it still serves."""

    method: Literal["OPTIONS", "REGISTER"] = Field("OPTIONS", description="Method of the probe.")


class Gm(Part):
    """The P-CSCF (or registrar) as UEs see it, and the subscribers."""

    domain: Text = Field(description="Home network domain, as ims.mnc001.mcc001.3gppnetwork.org.")
    realm: Text | None = Field(None, description="Digest realm; the domain when left out.")
    registrar_uri: SipUri | None = Field(None, description="Request-URI of REGISTER; sip:DOMAIN when left out.")
    udp: Address | None = Field(None, description="SIP over UDP: address and port.")
    tcp: Address | None = Field(None, description="SIP over TCP: address and port.")
    tls: Address | None = Field(None, description="SIP over TLS: address and port.")
    tls_ca: File | None = Field(None, description="PEM file with the CA(s) of the TLS server.")
    tls_server_name: Text | None = Field(
        None,
        description="Name in the TLS server's certificate, as UEs know it. If absent, the domain or the address stands"
        " there, or nothing can be said.",
    )
    auth: Literal["aka", "digest"] | None = Field(
        None, description="When given, every subscriber must be of this kind; else each by the secret that it has."
    )
    sec_agree: tuple[Literal["ipsec-3gpp", "tls"], ...] = Field(
        (), description="Mechanisms of the security agreement (RFC 3329) that the network offers."
    )
    sec_agree_required: bool = Field(
        default=False,
        description="Whether the network refuses a subscriber with AKA that registers without ipsec-3gpp; the tester's"
        " UEs then always agree on it and speak through ESP.",
    )
    nat_port: Annotated[int, Field(ge=1, le=65535)] | None = Field(
        None, description="UDP port where the P-CSCF takes ESP of UEs behind a NAT (RFC 3948), usually 4500."
    )
    via_port: Annotated[int, Field(ge=1, le=65535)] | None = Field(
        None,
        description="Port that a UE names in the Via of the REGISTER with which an agreement on ipsec-3gpp begins,"
        " where the P-CSCF wants a certain one (Kamailio: 5060); the one that it sends from when left out.",
    )
    least_expires: Annotated[int, Field(ge=1, le=30)] | None = Field(
        None,
        description="Shortest registration that the network grants, in seconds; a purpose waits for its end, so that"
        " it is left out where that is longer than half a minute.",
    )
    role: Literal["p-cscf", "registrar"] | None = Field(
        None,
        description="What it is: p-cscf, or registrar (a plain registrar and proxy, without the checks of a P-CSCF)."
        " When left out: p-cscf where there is AKA or a security agreement, else registrar.",
    )
    barred: tuple[SipUri, ...] = Field((), description="Destinations that the subscribers may not call.")
    removal: Release | None = Field(
        None, description="How the network de-registers a subscriber by itself; {impi} and {impu} stand for whom."
    )
    callback: Callback | None = Field(None, description="A service whose AS answers with an anonymous request.")
    far_end: FarEnd | None = Field(None, description="A UE of the lab that takes calls.")
    subscribers: tuple[Subscriber, ...] = Field((), description="Subscribers that the tester may play.")
    probe: GmProbe = Field(GmProbe(), description="How to see that the network still serves.")

    def like(self, who: Subscriber) -> tuple[Subscriber, ...]:
        """The other subscribers that are challenged as this one is."""
        return tuple(one for one in self.usual if one != who and one.kind == who.kind)

    @property
    def usual(self) -> tuple[Subscriber, ...]:
        """The subscribers that any purpose may play."""
        return tuple(one for one in self.subscribers if not one.must_agree)

    @property
    def registrar(self) -> str:
        """The Request-URI of REGISTER."""
        return self.registrar_uri or f"sip:{self.domain}"

    @property
    def digest_realm(self) -> str:
        """The realm of the digest."""
        return self.realm or self.domain

    @property
    def is_pcscf(self) -> bool:
        """Whether it is a P-CSCF, with what TS 24.229 5.2 asks of one."""
        if self.role is not None:
            return self.role == "p-cscf"
        return bool(self.sec_agree) or any(one.auth == "aka" for one in self.subscribers)

    def transports(self) -> dict[str, tuple[str, int]]:
        """Transports that are declared, with their address: ``udp``, ``tcp``, ``tls`` in this order."""
        declared = {"udp": self.udp, "tcp": self.tcp, "tls": self.tls}
        return {name: address for name, address in declared.items() if address is not None}

    def subscriber(self, name: str) -> Subscriber:
        """Find a subscriber by name (``KeyError`` when there is none)."""
        for subscriber in self.subscribers:
            if subscriber.name == name:
                return subscriber
        raise KeyError(name)
