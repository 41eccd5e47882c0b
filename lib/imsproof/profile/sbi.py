"""SBI: network functions as NF consumers see them, and how access tokens are had."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from imsproof.profile.kinds import File, HttpUrl, Json, Part, Text

NfType = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_-]{0,31}$")]
InstanceId = Annotated[
    str, Field(pattern=r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$", description="A UUID.")
]
TokenClaim = Literal["plmn", "snssai", "nsi", "nf-set"]
Status = Annotated[int, Field(ge=100, le=599)]


class SbiProbe(Part):
    """A well-formed, authorised request that the producer accepts: the control of every refusal."""

    method: Annotated[str, Field(pattern=r"^[A-Z]{3,10}$")] = Field("GET", description="HTTP method.")
    path: Annotated[str, Field(pattern=r"^/\S*$")] = Field(description="Path and query of the request.")
    body: Json = Field(None, description="Body: a YAML mapping (sent as JSON) or text.")
    headers: dict[str, str] = Field({}, description="Further header fields.")
    expect: tuple[Status, ...] = Field((200, 201, 204), min_length=1, description="Status codes of acceptance.")
    token: bool | None = Field(None, description="Send a token; as requires_token says when left out.")


class Producer(Part):
    """An NF service producer, or any HTTP server that plays one (a TLS front)."""

    name: Text = Field(description="A short name for reports; unique.")
    url: HttpUrl = Field(description="Root of its API (an IP address as host).")
    fqdn: Text | None = Field(None, description="Its name, for SNI and :authority.")
    http: Literal["2", "1.1"] = Field("2", description="HTTP version that it speaks; 1.1 for a plain TLS front.")
    nf_type: NfType | None = Field(None, description="NF type, as MF; the audience of tokens.")
    instance_id: InstanceId | None = Field(None, description="NF instance id (UUID).")
    apis: tuple[Text, ...] = Field((), description="API names that it serves, as nmf-mrm.")
    scope: Text | None = Field(None, description="Scope of the tokens that it takes; the first API when left out.")
    operation_scope: Text | None = Field(
        None, description="Scope that the probe's operation needs beside the service's (additional scope of TS 33.501)."
    )
    requires_token: bool = Field(default=True, description="Whether it asks for an access token.")
    token_claims: tuple[TokenClaim, ...] = Field(
        (), description="Optional claims of access tokens that it checks: plmn, snssai, nsi, nf-set."
    )
    cca: Literal["verified", "required"] | None = Field(
        None, description="Client credentials assertions: verified where they come, or required; left out: ignored."
    )
    probe: SbiProbe | None = Field(None, description="A request that it accepts from the first consumer.")
    staples: bool = Field(default=False, description="It staples an OCSP response to its handshakes when it is asked.")
    openapi: File | None = Field(None, description="OpenAPI file of its API.")

    @property
    def service_scope(self) -> str:
        """The scope of the whole service, ``""`` when none is known."""
        return self.scope or next(iter(self.apis), "")

    @property
    def token_scope(self) -> str:
        """The scope to ask a token for, ``""`` when none is known."""
        return " ".join(filter(None, (self.service_scope, self.operation_scope)))


class Nrf(Part):
    """The NRF, which issues access tokens."""

    url: HttpUrl = Field(description="Root of its API (an IP address as host).")
    instance_id: InstanceId | None = Field(None, description="NF instance id (UUID): the issuer of tokens.")
    fqdn: Text | None = Field(None, description="Its name, for SNI and :authority.")


class Scp(Part):
    """The SCP, for indirect communication."""

    url: HttpUrl = Field(description="Root of its API (an IP address as host).")
    fqdn: Text | None = Field(None, description="Its name, for SNI and :authority.")
    requires_assertion: bool = Field(
        default=False, description="Producers behind it ask for a client credentials assertion."
    )
    obtains_tokens: bool = Field(
        default=False, description="It asks the NRF for access tokens itself, whatever the consumer brings (model D)."
    )


class KeyPair(Part):
    """A certificate with its private key."""

    certificate: File = Field(description="PEM file: certificate, then its chain.")
    key: File = Field(description="PEM file: private key.")


class Consumer(KeyPair):
    """An NF consumer that the tester may play."""

    name: Text = Field(description="A short name for reports; unique.")
    nf_type: NfType | None = Field(None, description="NF type, as AS.")
    instance_id: InstanceId | None = Field(None, description="NF instance id (UUID), as in the certificate.")
    role: Literal["authorised", "other"] | None = Field(
        None, description="authorised: may call the producers; other: may not. The first is authorised by default."
    )


class Tokens(Part):
    """How the tester gets access tokens: from the lab's NRF, or minted with a key that the lab trusts, or a file."""

    source: Literal["nrf", "key", "file"] = Field(alias="from", description="nrf, key or file.")
    key: File | None = Field(None, description="from key: PEM private key, or the shared secret of HS256.")
    algorithm: Literal["ES256", "RS256", "HS256"] = Field("ES256", description="from key: signature algorithm.")
    kid: Text | None = Field(None, description="from key: key id in the token's header.")
    issuer: Text | None = Field(None, description="from key: the iss claim (the NRF's instance id).")
    file: File | None = Field(None, description="from file: a file with one token.")
    public_key: File | None = Field(
        None, description="PEM file with the public key that producers verify tokens with; from key: derived."
    )


Asking = Literal["asks", "requires"]


class Revocation(Part):
    """Where the lab's producers ask whether a client's certificate is revoked, beside lists that they hold."""

    ocsp: Asking | None = Field(
        None,
        description="Responder that the certificate names (AIA). asks: served when none answers; requires: refused.",
    )
    crl: Asking | None = Field(
        None,
        description="List at its distribution point. asks: served when there is none; requires: refused.",
    )


class CallbackRequest(Part):
    """One of the requests by which an NF of the lab is led to the tester. {callback} stands for the tester's URI."""

    to: Text = Field(description="nrf, or the name of one of the producers.")
    method: Annotated[str, Field(pattern=r"^[A-Z]{3,10}$")] = Field("POST", description="HTTP method.")
    path: Annotated[str, Field(pattern=r"^(/|\{location\})\S*$")] = Field(
        description="Path and query; in release {location} stands for the Location of the first answer that has one."
    )
    body: Json = Field(None, description="Body: a YAML mapping (sent as JSON) or text.")
    headers: dict[str, str] = Field({}, description="Further header fields.")
    expect: tuple[Status, ...] = Field((200, 201, 202, 204), min_length=1, description="Status codes of acceptance.")


class Callback(Part):
    """How an NF of the lab is made to call an https URI of the tester's, as a consumer of notifications has it."""

    requests: tuple[CallbackRequest, ...] = Field(
        min_length=1, description="Made in order; after the last the NF calls {callback}."
    )
    release: tuple[CallbackRequest, ...] = Field((), description="Made afterwards, to take them back.")
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9.-]{1,253}$")] | None = Field(
        None, description="A host name that the NF resolves to the tester's address: URIs are tried with it, too."
    )


class Sbi(Part):
    """The service-based interfaces of the lab."""

    ca: File | None = Field(None, description="PEM file with the trust anchor(s) of the lab's servers.")
    producers: tuple[Producer, ...] = Field((), description="NF service producers under test.")
    nrf: Nrf | None = Field(None, description="The NRF.")
    scp: Scp | None = Field(None, description="The SCP.")
    consumers: tuple[Consumer, ...] = Field((), description="NF consumers that the tester may play.")
    rogue: KeyPair | None = Field(None, description="A certificate that the lab must not trust; made when left out.")
    revoked: Consumer | None = Field(
        None, description="A consumer whose certificate the lab's CA has revoked, for what the lab makes of it."
    )
    revocation: Revocation | None = Field(
        None, description="Where producers ask whether a client's certificate is revoked; left out: nowhere."
    )
    tokens: Tokens | None = Field(None, description="How access tokens are had.")
    callback: Callback | None = Field(
        None, description="Requests that make an NF of the lab call the tester (as a subscription does)."
    )
    client_ca: KeyPair | None = Field(
        None, description="A CA that the lab trusts for clients: the tester can then mint hostile certificates."
    )

    @property
    def consumer(self) -> Consumer | None:
        """The authorised consumer."""
        named = [consumer for consumer in self.consumers if consumer.role == "authorised"]
        unnamed = [consumer for consumer in self.consumers if consumer.role is None]
        return next(iter(named + unnamed), None)

    @property
    def peers(self) -> tuple[Consumer, ...]:
        """Further consumers that the lab has authorised as it has the first."""
        return tuple(c for c in self.consumers if c is not self.consumer and c.role == "authorised")

    @property
    def others(self) -> tuple[Consumer, ...]:
        """The consumers that the lab knows but has not authorised."""
        return tuple(c for c in self.consumers if c is not self.consumer and c.role != "authorised")

    @property
    def another(self) -> Consumer | None:
        """A second consumer of whatever role, whose NF instance is known."""
        return next((one for one in (*self.peers, *self.others) if one.instance_id), None)

    @property
    def producer_under_test(self) -> Producer | None:
        """The producer that most purposes are about: the first with a probe, else the first."""
        return next((one for one in self.producers if one.probe), next(iter(self.producers), None))

    def producer(self, api: str) -> Producer | None:
        """Find the first producer that serves an API."""
        return next((producer for producer in self.producers if api in producer.apis), None)
