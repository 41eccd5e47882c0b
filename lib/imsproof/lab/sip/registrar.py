"""The S-CSCF as registrar: IMS AKA and SIP digest, and who is registered where (TS 24.229 5.4.1, TS 33.203 6.1)."""

from __future__ import annotations

import asyncio
import hmac
import re
import secrets
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from imsproof.codec import aka
from imsproof.codec.digest import Digest, DigestError, aka_password, parse_algorithm
from imsproof.codec.sip import Message, SipSyntaxError, parse_name_addr, parse_uri, response
from imsproof.codec.sipauth import format_challenge, format_info, parse_credentials
from imsproof.lab.sip import hops
from imsproof.lab.sip.hss import Hss
from imsproof.lab.sip.subscribers import DOMAIN, Subscriber
from imsproof.lab.sip.tables import Table

if TYPE_CHECKING:
    from imsproof.lab.policy import PolicyBox
    from imsproof.lab.sip.policy import SipPolicy

AKA_ALGORITHM = "AKAv1-MD5"
AWAIT_AUTH_SECONDS = 240.0
"""The timer reg-await-auth (TS 24.229 Table 7.8.1, secondary)."""
DEFAULT_EXPIRES = 3600
MIN_EXPIRES = 10
MAX_CONTACTS = 4


@dataclass(frozen=True, slots=True)
class Challenge:
    """A challenge that waits for its answer; ``vector`` is ``None`` for a digest user."""

    subscriber: Subscriber
    nonce: str
    algorithm: str
    vector: aka.Vector | None


@dataclass(slots=True)
class Contact:
    """Where a UE can be reached: Contact URI, Path from the registrar to it, and when that ends (monotonic)."""

    uri: str
    path: list[str]
    until: float


@dataclass(slots=True)
class Registration:
    """A registered subscriber and its contacts by URI, oldest first."""

    subscriber: Subscriber
    contacts: dict[str, Contact] = field(default_factory=dict)

    def latest(self) -> Contact | None:
        """The contact that was registered last and still holds."""
        now = time.monotonic()
        self.contacts = {uri: contact for uri, contact in self.contacts.items() if contact.until > now}
        return next(reversed(self.contacts.values()), None)


@dataclass(frozen=True, slots=True)
class Claim:
    """What a REGISTER claims: credentials, public identity, and where it came from as the P-CSCF noted it."""

    params: dict[str, str]
    impu: str
    source: str

    @property
    def answers(self) -> bool:
        """Whether it answers a challenge."""
        return bool(self.params.get("response") or self.params.get("auts"))


class Registrar:
    """Challenges, checks, and remembers."""

    def __init__(self, box: PolicyBox, service_route: str, permanent: dict[str, Registration] | None = None) -> None:
        self._box = box
        self._service_route = service_route
        self._permanent = permanent or {}
        self.hss = Hss()
        self.registrations: dict[str, Registration] = dict(self._permanent)
        self._pending: Table[tuple[str, str], Challenge] = Table(AWAIT_AUTH_SECONDS, 10_000)
        self._look_up = asyncio.Lock()

    @property
    def _policy(self) -> SipPolicy:
        return self._box.current.sip

    def reset(self) -> None:
        """Forget registrations and challenges; sequence numbers stay."""
        self.registrations = dict(self._permanent)
        self._pending.clear()
        self._look_up = asyncio.Lock()

    def registered(self, impu: str) -> Registration | None:
        """The registration that holds for a public identity now."""
        subscriber = self.hss.by_impu(impu)
        registration = self.registrations.get(subscriber.impi) if subscriber else None
        return registration if registration and registration.latest() else None

    async def register(self, message: Message) -> Message:
        """Serve a REGISTER and return the answer (``SipSyntaxError`` when it cannot be read)."""
        if seconds := self._policy.hss_seconds:
            async with self._look_up:
                await asyncio.sleep(seconds)
        claim = _read_claim(message)
        subscriber = self.hss.claimed(claim.params.get("username", ""), claim.impu)
        if not self._policy.challenge_register and subscriber.impus:
            return self._accept(message, subscriber)
        challenge = self._answered_challenge(claim, subscriber)
        if challenge is None:
            return self._challenge(message, claim, subscriber)
        if "auts" in claim.params:
            return self._resynchronise(message, claim, challenge)
        digest = self._expected(message, claim, challenge)
        if digest is None or self._differs(digest.response(), claim.params.get("response", "")):
            return self._failed(message, subscriber)
        if claim.impu not in subscriber.impus and self._policy.check_identities:
            return response(message, 403, to_tag=secrets.token_hex(4))
        proof = () if challenge.vector else (("Authentication-Info", _proof(digest)),)
        return self._accept(message, subscriber, proof)

    # --- challenge and answer ---

    def _answered_challenge(self, claim: Claim, subscriber: Subscriber) -> Challenge | None:
        """Return the challenge that is answered; ``None`` when it answers none that waits."""
        key = (subscriber.impi, claim.source)
        challenge = self._pending.get(key) if claim.answers else None
        if challenge is None or not _equal(challenge.nonce, claim.params.get("nonce", "")):
            return None
        if self._policy.nonce_once:
            self._pending.pop(key)
        return challenge

    def _challenge(self, message: Message, claim: Claim, subscriber: Subscriber) -> Message:
        if subscriber.password:
            vector, algorithm, nonce = None, subscriber.algorithm, secrets.token_hex(16)
        else:
            vector = self.hss.vector(subscriber, autn_valid=self._policy.autn_valid)
            algorithm, nonce = AKA_ALGORITHM, aka.encode_nonce(vector.rand, vector.autn)
        self._pending.put((subscriber.impi, claim.source), Challenge(subscriber, nonce, algorithm, vector))
        params = {"realm": DOMAIN, "nonce": nonce, "algorithm": algorithm, "qop": "auth"}
        if vector:
            params |= {"ck": vector.ck.hex(), "ik": vector.ik.hex()}
        header = ("WWW-Authenticate", format_challenge("Digest", params))
        return response(message, 401, headers=[header], to_tag=secrets.token_hex(4))

    def _expected(self, message: Message, claim: Claim, challenge: Challenge) -> Digest | None:
        """Return the digest that the right answer is computed from; ``None`` when a parameter is not acceptable."""
        params = claim.params
        algorithm = params.get("algorithm", "MD5")
        if self._policy.check_algorithm and algorithm.lower() != challenge.algorithm.lower():
            return None
        if params.get("realm") != DOMAIN or (self._policy.check_uri and not _same_uri(params.get("uri"), message.uri)):
            return None
        qop, nc = params.get("qop", ""), params.get("nc", "")
        if qop and (qop != "auth" or not re.fullmatch(r"0*1", nc) or not params.get("cnonce")):
            return None
        try:
            password = _password(challenge, algorithm)
        except DigestError:
            return None
        uri, name = params.get("uri", ""), challenge.subscriber.impi
        cnonce = params.get("cnonce", "")
        return Digest(algorithm, name, DOMAIN, password, message.method, uri, challenge.nonce, qop, nc, cnonce)

    def _differs(self, expected: str, given: str) -> bool:
        return self._policy.check_response and not _equal(expected, given)

    def _failed(self, message: Message, subscriber: Subscriber) -> Message:
        if not self._policy.keep_registration_on_failure:
            self.registrations.pop(subscriber.impi, None)
        return response(message, self._policy.failure_status, to_tag=secrets.token_hex(4))

    def _resynchronise(self, message: Message, claim: Claim, challenge: Challenge) -> Message:
        try:
            auts = aka.decode_auts(claim.params["auts"])
        except aka.AkaError:
            return self._failed(message, challenge.subscriber)
        vector, check = challenge.vector, self._policy.check_auts
        if vector is None or not self.hss.resynchronise(challenge.subscriber, vector.rand, auts, check=check):
            return self._failed(message, challenge.subscriber)
        return self._challenge(message, claim, challenge.subscriber)

    # --- registrations ---

    def _accept(self, message: Message, subscriber: Subscriber, further: tuple[tuple[str, str], ...] = ()) -> Message:
        asked = _contacts(message)
        if any(0 < seconds < MIN_EXPIRES for _, seconds in asked):
            header = ("Min-Expires", str(MIN_EXPIRES))
            return response(message, 423, headers=[header], to_tag=secrets.token_hex(4))
        registration = self.registrations.setdefault(subscriber.impi, Registration(subscriber))
        path = message.values("Path")
        for uri, seconds in asked:
            if uri == "*":
                registration.contacts.clear()
                continue
            registration.contacts.pop(uri, None)
            if seconds > 0:
                registration.contacts[uri] = Contact(uri, path, time.monotonic() + seconds)
        for oldest in list(registration.contacts)[:-MAX_CONTACTS]:
            del registration.contacts[oldest]
        if registration.latest() is None:
            self.registrations.pop(subscriber.impi)
        headers = [("Path", value) for value in path]
        headers.append(("Service-Route", f"<{self._service_route}>"))
        headers.append(("P-Associated-URI", ", ".join(f"<{impu}>" for impu in subscriber.impus)))
        headers += [("Contact", _bound(contact)) for contact in registration.contacts.values()]
        return response(message, 200, headers=[*headers, *further], to_tag=secrets.token_hex(4))


def _read_claim(message: Message) -> Claim:
    impu = parse_uri(parse_name_addr(message.get("To") or "").uri).aor
    params: dict[str, str] = {}
    for text in message.get_all("Authorization"):
        scheme, found = parse_credentials(text)
        if scheme.lower() == "digest":
            params = found
            break
    vias = message.values("Via")
    via = hops.parse_via(vias[1] if len(vias) > 1 else vias[0])
    source = f"{via.params.get('received') or via.host}:{via.params.get('rport') or via.port}"
    return Claim(params, impu, source)


def _password(challenge: Challenge, algorithm: str) -> bytes:
    vector = challenge.vector
    if vector is None:
        return challenge.subscriber.password.encode()
    if not parse_algorithm(algorithm).aka:
        return vector.xres
    return aka_password(algorithm, vector.xres, vector.ck, vector.ik)


def _contacts(message: Message) -> list[tuple[str, int]]:
    """Contact URIs (or ``*``) with the seconds asked for."""
    text = message.get("Expires") or ""
    general = int(text) if text.isdigit() else DEFAULT_EXPIRES
    found = []
    for value in message.values("Contact"):
        if value == "*":
            found.append(("*", 0))
            continue
        address = parse_name_addr(value)
        own = address.params.get("expires") or ""
        seconds = int(own) if own.isascii() and own.isdigit() else general
        found.append((str(parse_uri(address.uri)), min(seconds, DEFAULT_EXPIRES)))
    return found


def _bound(contact: Contact) -> str:
    return f"<{contact.uri}>;expires={max(int(contact.until - time.monotonic() + 0.5), 0)}"


def _proof(digest: Digest) -> str:
    params = {"qop": digest.qop, "rspauth": digest.rspauth(), "cnonce": digest.cnonce, "nc": digest.nc}
    return format_info(params if digest.qop else {"rspauth": digest.rspauth()})


def _same_uri(one: str | None, other: str) -> bool:
    try:
        return parse_uri(one or "") == parse_uri(other)
    except SipSyntaxError:
        return False


def _equal(one: str, other: str) -> bool:
    """Compare in a time that does not tell where they differ."""
    octets = (text.encode("utf-8", "surrogateescape") for text in (one, other))
    return hmac.compare_digest(*octets)
