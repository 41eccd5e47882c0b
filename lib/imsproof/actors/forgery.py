"""Access tokens that a producer must refuse: each recipe takes a token that would be accepted and spoils one thing.

The recipes are the mistakes of token verifiers that RFC 8725 section 2 and TS 33.117 clause 4.2.2.2.3.1 name. Those
that only alter what the NRF issued need no signing key; those that change claims need ``sbi.tokens.from: key``.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from imsproof.actors.cca import certificate_signer
from imsproof.actors.nftokens import mint, token_signer
from imsproof.codec import jose
from imsproof.link.listen import TrapListener
from imsproof.link.tls import read_pem
from imsproof.seams import HarnessError, InconclusiveError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from imsproof.actors.nf import NfConsumer
    from imsproof.actors.producerclient import ProducerClient

HUGE = 60_000
"""Characters of a token that is much too long, but fits a header list of 64 KiB."""
STRONG_RSA = 2048
"""Bits."""
EMPTY_FILE = "../../../../../../dev/null"
UNKNOWN_KEY_IDS = ("no-such-key", EMPTY_FILE, "' OR '1'='1", "0")
CHOSEN_SECRETS = {EMPTY_FILE: b"", "/dev/null": b"", "no-such-key": b"", "' UNION SELECT 'imsproof": b"imsproof"}
"""Secrets by the key id that makes a careless verifier find them: in an empty file, nowhere, or in a query."""


@dataclass(frozen=True, slots=True)
class Hostile:
    """One request that must be refused.

    Attributes:
        label: what is wrong with it, for the journal.
        token: goes into ``Authorization: Bearer``; ``None`` for none.
        headers: further headers.
        query: appended to the path.
    """

    label: str
    token: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    query: str = ""


@dataclass(frozen=True, slots=True)
class Workshop:
    """What the recipes work with.

    Attributes:
        producer: who must refuse.
        good: a token that it accepts.
        attacker: a key that nobody trusts.
    """

    producer: ProducerClient
    good: str
    attacker: ec.EllipticCurvePrivateKey

    @classmethod
    def of(cls, producer: ProducerClient, good: str) -> Workshop:
        """A workshop with a fresh attacker's key."""
        return cls(producer, good, ec.generate_private_key(ec.SECP256R1()))

    @property
    def consumer(self) -> NfConsumer:
        """The consumer whose token it is."""
        return self.producer.consumer

    def minted(self, **claims: Any) -> str:
        """A token signed as the lab trusts it, with these claims changed (``None`` leaves one out)."""
        return mint(self.consumer.sbi, self.consumer.identity, self.producer.producer, claims=claims)


def no_token(_shop: Workshop) -> Sequence[Hostile]:
    """No Authorization header at all."""
    return [Hostile("without a token")]


def wrong_signature(shop: Workshop) -> Sequence[Hostile]:
    """The right text under a signature that is not the NRF's."""
    algorithm = jose.parse_unverified(shop.good).header.get("alg")
    key = rsa.generate_private_key(65537, STRONG_RSA) if algorithm == "RS256" else shop.attacker
    sign = jose.signer("RS256" if algorithm == "RS256" else "ES256", key)
    return [
        Hostile("with one bit of the signature changed", jose.tampered_signature(shop.good)),
        Hostile("with a signature of zeros", jose.zero_signature(shop.good)),
        Hostile("with the signature removed", jose.stripped(shop.good)),
        Hostile("with claims changed under the old signature", jose.altered_claims(shop.good, {"exp": 4_102_444_800})),
        Hostile("signed with another key", jose.resigned(shop.good, sign)),
        Hostile("with HS256 and an empty key", jose.with_secret(shop.good, b"")),
    ]


def algorithm_none(shop: Workshop) -> Sequence[Hostile]:
    """The unsecured algorithm in every spelling (RFC 8725 section 3.2)."""
    found = [Hostile(f"with alg {name!r}", jose.unsecured(shop.good, name)) for name in jose.NONE_SPELLINGS]
    return [*found, Hostile("with alg none over the old signature", jose.unsecured(shop.good, keep_signature=True))]


def public_key_as_secret(shop: Workshop) -> Sequence[Hostile]:
    """HS256 keyed with what the verifier holds: its public key in the usual forms (RFC 8725 section 2.1)."""
    pem = public_key_pem(shop.consumer)
    key = serialization.load_pem_public_key(pem)
    der = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    forms = {"PEM": pem, "PEM without its last line end": pem.rstrip(b"\n"), "DER": der}
    return [
        Hostile(f"with HS256 and the {name}", jose.hmac_with_public_key(shop.good, it)) for name, it in forms.items()
    ]


def unknown_key_id(shop: Workshop) -> Sequence[Hostile]:
    """A key id that names no key, something that is no key, or what holds a secret of the sender's choice."""
    found = [Hostile(f"under kid {kid!r}", jose.with_kid(shop.good, shop.attacker, kid)) for kid in UNKNOWN_KEY_IDS]
    return found + [
        Hostile(f"under kid {kid!r} and HS256 with the secret {secret!r}", jose.with_secret(shop.good, secret, kid))
        for kid, secret in CHOSEN_SECRETS.items()
    ]


def key_in_header(shop: Workshop) -> Sequence[Hostile]:
    """The attacker's key offered in the token itself."""
    return [Hostile("with the attacker's jwk", jose.with_key_in_header(shop.good, shop.attacker))]


def certificate_in_header(shop: Workshop) -> Sequence[Hostile]:
    """Signed by an NF that the lab trusts as a TLS client, but which is no NRF."""
    identity = shop.consumer.identity
    if identity.certificate is None or identity.key is None:
        raise HarnessError("the consumer has no certificate")
    sign, algorithm = certificate_signer(identity.key)
    der = x509.load_pem_x509_certificate(identity.certificate).public_bytes(serialization.Encoding.DER)
    header = {"alg": algorithm, "x5c": [base64.b64encode(der).decode("ascii")]}
    return [Hostile("signed with the consumer's own certificate", jose.resigned(shop.good, sign, header=header))]


def unknown_extension(shop: Workshop) -> Sequence[Hostile]:
    """A critical extension that no verifier knows, under a good signature."""
    return [Hostile("with an unknown crit", jose.with_critical(shop.good, token_signer(shop.consumer.sbi)))]


def malformed(_shop: Workshop) -> Sequence[Hostile]:
    """What is no token at all."""
    texts = {
        "two dots": "..",
        "one part": "token",
        "four parts": "e30.e30.e30.e30",
        "no JSON": "YQ.YQ.YQ",
        "a JSON array": "W10.W10.YQ",
        "a huge token": "A" * HUGE,
    }
    basic = ("authorization", f"Basic {base64.b64encode(b'admin:admin').decode('ascii')}")
    found = [Hostile(f"with {name}", text) for name, text in texts.items()]
    return [*found, Hostile("with Basic credentials", headers=(basic,))]


def in_query(shop: Workshop) -> Sequence[Hostile]:
    """A good token in the query instead of the header."""
    return [Hostile("with the token in the query", query=f"access_token={shop.good}")]


def two_headers(shop: Workshop) -> Sequence[Hostile]:
    """A good and a bad token in two Authorization headers, in both orders."""
    good, bad = f"Bearer {shop.good}", f"Bearer {jose.tampered_signature(shop.good)}"
    orders = {"a good token, then a bad one": (good, bad), "a bad token, then a good one": (bad, good)}
    return [
        Hostile(f"with {name}", headers=tuple(("authorization", value) for value in values))
        for name, values in orders.items()
    ]


def key_url(member: str, trap: TrapListener) -> Callable[[Workshop], Sequence[Hostile]]:
    """Make a recipe: a token that points at the tester for its key."""
    host, port = trap.address
    url = f"http://{f'[{host}]' if ':' in host else host}:{port}/keys"

    def recipe(shop: Workshop) -> Sequence[Hostile]:
        return [Hostile(f"with {member}", jose.with_key_at(shop.good, shop.attacker, member, url))]

    return recipe


def set_trap(consumer: NfConsumer, producer: ProducerClient, label: str) -> TrapListener:
    """Listen where the lab must not come, at an address that it can reach."""
    session = consumer.session
    toward = (producer.producer.url.host, producer.producer.url.port)
    return session.run(TrapListener.open(session, "trap", session.exchange(label), toward))


def public_key_pem(consumer: NfConsumer) -> bytes:
    """Return the public key that producers verify tokens with, PEM (``HarnessError`` when it is not known)."""
    tokens = consumer.sbi.tokens
    if tokens is not None and tokens.public_key is not None:
        return read_pem(tokens.public_key)
    if tokens is None or tokens.key is None or tokens.algorithm == "HS256":
        raise HarnessError("the public key of tokens is not known: fill in sbi.tokens.public_key")
    try:
        key = serialization.load_pem_private_key(read_pem(tokens.key), None)
    except (ValueError, TypeError) as error:
        raise HarnessError(f"sbi.tokens.key cannot be used: {error}") from error
    return key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def claims_of(token: str) -> Mapping[str, Any]:
    """Return a token's claims; ``InconclusiveError`` when it is not a signed token that can be read."""
    try:
        return jose.parse_unverified(token).claims
    except jose.JoseSyntaxError as error:
        raise InconclusiveError(f"the lab's access tokens cannot be altered, they are no JWS: {error}") from error
