"""The S-CSCF as registrar: IMS AKA and SIP digest, and who is registered where (TS 24.229 5.4.1, TS 33.203 6.1)."""

from __future__ import annotations

import asyncio
import hmac
import re
import secrets
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from imsproof.codec import aka
from imsproof.codec.digest import Digest, DigestError, aka_password, parse_algorithm
from imsproof.codec.sip import Message, SipSyntaxError, parse_name_addr, parse_uri, response
from imsproof.codec.sipauth import format_challenge, format_info, parse_credentials
from imsproof.lab.sip import hops
from imsproof.lab.sip.challenges import Challenge, Challenges, Claim
from imsproof.lab.sip.guesses import Guesses
from imsproof.lab.sip.hss import Hss
from imsproof.lab.sip.subscribers import DOMAIN, Subscriber

if TYPE_CHECKING:
    from imsproof.lab.policy import PolicyBox
    from imsproof.lab.sip.policy import SipPolicy

AKA_ALGORITHM = "AKAv1-MD5"
DEFAULT_EXPIRES = 3600
MIN_EXPIRES = 2
MAX_CONTACTS = 4
OTHER_METHODS = ("INVITE", "MESSAGE", "OPTIONS", "SUBSCRIBE")


@dataclass(slots=True)
class Contact:
    """Where a UE can be reached: Contact URI, Path from the registrar to it, and when that ends (monotonic).

    ``call_id`` and ``cseq`` are those of the REGISTER that bound it (RFC 3261 10.3).
    """

    uri: str
    path: list[str]
    until: float
    call_id: str = ""
    cseq: int = -1


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


class Registrar:
    """Challenges, checks, and remembers."""

    def __init__(self, box: PolicyBox, service_route: str, permanent: dict[str, Registration] | None = None) -> None:
        self._box = box
        self._service_route = service_route
        self._permanent = permanent or {}
        self.hss = Hss()
        self.registrations: dict[str, Registration] = dict(self._permanent)
        self._challenges = Challenges()
        self._guesses = Guesses()
        self._look_up = asyncio.Lock()

    @property
    def _policy(self) -> SipPolicy:
        return self._box.current.sip

    def reset(self) -> None:
        """Forget registrations and challenges; sequence numbers stay."""
        self.registrations = dict(self._permanent)
        self._challenges.clear()
        self._guesses.clear()
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
        if subscriber.impus and self._policy.known_seconds:
            await asyncio.sleep(self._policy.known_seconds)
        if not subscriber.impus and not self._policy.challenge_unknown:
            return response(message, 404, to_tag=secrets.token_hex(4))
        if self._guesses.locked(subscriber.impi, message, self._policy):
            return response(message, 403, to_tag=secrets.token_hex(4))
        answer = self._authenticate(message, claim, subscriber)
        if answer.status == 200:
            self._guesses.succeeded(subscriber.impi, message, self._policy)
        return answer

    def _authenticate(self, message: Message, claim: Claim, subscriber: Subscriber) -> Message:
        if not self._needs_challenge(claim, subscriber):
            return self._accept(message, claim, subscriber)
        challenge = self._challenges.take(claim, subscriber, self._policy)
        if challenge is None:
            return self._challenge(message, claim, subscriber, stale=self._is_stale(message, claim, subscriber))
        if "auts" in claim.params:
            return self._resynchronise(message, claim, challenge)
        digest = self._expected(message, claim, challenge)
        if digest is None or self._differs(digest, claim.params.get("response", "")):
            refused = self._failed(message, subscriber)
            wrongly_stale = not self._policy.stale_when_right and challenge.vector is None
            return self._challenge(message, claim, subscriber, stale=True) if wrongly_stale else refused
        if claim.impu not in subscriber.impus and self._policy.check_identities:
            return response(message, 403, to_tag=secrets.token_hex(4))
        if not self._policy.register_own_only:
            subscriber = self.hss.by_impu(claim.impu) or subscriber
        proof = () if challenge.vector else (("Authentication-Info", _proof(digest)),)
        return self._accept(message, claim, subscriber, proof)

    # --- challenge and answer ---

    def _needs_challenge(self, claim: Claim, subscriber: Subscriber) -> bool:
        """Whether a REGISTER must be authenticated: always, but through an association that stands already."""
        if not subscriber.impus:
            return True
        if not self._policy.challenge_register:
            return False
        waived = claim.protected or not self._policy.challenge_registered
        registered = subscriber.impi in self.registrations and claim.impu in subscriber.impus
        return claim.answers or not (waived and registered)

    def _is_stale(self, message: Message, claim: Claim, subscriber: Subscriber) -> bool:
        """Whether somebody answered rightly, but to a nonce that is used up (RFC 7616 3.3)."""
        used = self._challenges.used(claim, subscriber)
        if used is None or used.vector is not None or not claim.answers:
            return False
        digest = self._expected(message, claim, used)
        return digest is not None and not self._differs(digest, claim.params.get("response", ""))

    def _challenge(self, message: Message, claim: Claim, subscriber: Subscriber, *, stale: bool = False) -> Message:
        if subscriber.password:
            vector, nonce = None, secrets.token_hex(16)
        else:
            policy = self._policy
            vector = self.hss.vector(subscriber, autn_valid=policy.autn_valid, rand_fresh=policy.rand_fresh)
            nonce = aka.encode_nonce(vector.rand, vector.autn)
        challenge = Challenge(subscriber, nonce, subscriber.algorithm or AKA_ALGORITHM, vector)
        return self._send_challenge(message, claim, challenge, stale=stale)

    def _send_challenge(self, message: Message, claim: Claim, challenge: Challenge, *, stale: bool = False) -> Message:
        self._challenges.put(claim, challenge, self._policy)
        nonce, algorithm, vector = challenge.nonce, challenge.algorithm, challenge.vector
        params = {"realm": DOMAIN, "nonce": nonce, "algorithm": algorithm, "qop": "auth"}
        params |= {"stale": "true"} if stale else {}
        if vector:
            params |= {"ck": vector.ck.hex(), "ik": vector.ik.hex()}
        header = ("WWW-Authenticate", format_challenge("Digest", params))
        return response(message, 401, headers=[header], to_tag=secrets.token_hex(4))

    def _expected(self, message: Message, claim: Claim, challenge: Challenge) -> Digest | None:
        """Return the digest that the right answer is computed from; ``None`` when a parameter is not acceptable."""
        params = claim.params
        algorithm = params.get("algorithm", "MD5")
        plain = self._policy.plain_digest_for_aka and challenge.vector is not None and algorithm.upper() == "MD5"
        same = algorithm.lower() == challenge.algorithm.lower()
        if self._policy.check_algorithm and not (same or plain):
            return None
        if params.get("realm") != DOMAIN or (self._policy.check_uri and not _same_uri(params.get("uri"), message.uri)):
            return None
        qop, nc = params.get("qop", ""), params.get("nc", "")
        if qop and (qop != "auth" or not re.fullmatch(r"0*1", nc) or not params.get("cnonce")):
            return None
        try:
            password = b"" if plain else _password(challenge, algorithm)
        except DigestError:
            return None
        uri, name = params.get("uri", ""), params.get("username", "")
        cnonce = params.get("cnonce", "")
        return Digest(algorithm, name, DOMAIN, password, message.method, uri, challenge.nonce, qop, nc, cnonce)

    def _differs(self, expected: Digest, given: str) -> bool:
        """Whether a response is wrong; each relaxed policy value has one more of them pass."""
        policy = self._policy
        if not policy.check_response or _equal(expected.response(), given):
            return False
        excuses = [
            not policy.refuse_empty_response and not given,
            not policy.compare_whole_response and bool(given) and expected.response().startswith(given),
            not policy.refuse_zero_response and bool(given) and not given.strip("0"),
            not policy.refuse_empty_password and _equal(replace(expected, password=b"").response(), given),
            not policy.check_method and any(_made_for(expected, method, given) for method in OTHER_METHODS),
        ]
        return not any(excuses)

    def _failed(self, message: Message, subscriber: Subscriber) -> Message:
        self._guesses.failed(subscriber.impi, message, self._policy)
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
        if not self._policy.resynchronise_anew:
            return self._send_challenge(message, claim, challenge)
        return self._challenge(message, claim, challenge.subscriber)

    # --- registrations ---

    def _accept(
        self, message: Message, claim: Claim, subscriber: Subscriber, further: tuple[tuple[str, str], ...] = ()
    ) -> Message:
        asked = _contacts(message)
        if any(0 < seconds < MIN_EXPIRES for _, seconds in asked):
            header = ("Min-Expires", str(MIN_EXPIRES))
            return response(message, 423, headers=[header], to_tag=secrets.token_hex(4))
        registration = self.registrations.setdefault(subscriber.impi, Registration(subscriber))
        if self._policy.check_cseq and _out_of_order(registration, claim):
            return response(message, 500, "Out Of Order", to_tag=secrets.token_hex(4))
        path = message.values("Path")
        for uri, seconds in asked:
            if uri == "*":
                registration.contacts.clear()
                continue
            registration.contacts.pop(uri, None)
            if seconds > 0:
                until = time.monotonic() + seconds
                registration.contacts[uri] = Contact(uri, path, until, claim.call_id, claim.cseq)
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
    return Claim(params, impu, message.get("Call-ID") or "", hops.sequence(message))


def _out_of_order(registration: Registration, claim: Claim) -> bool:
    """Whether a REGISTER is older than one that bound a contact in the same call (RFC 3261 10.3, step 7)."""
    return any(
        contact.call_id == claim.call_id and claim.cseq <= contact.cseq for contact in registration.contacts.values()
    )


def _password(challenge: Challenge, algorithm: str) -> bytes:
    vector = challenge.vector
    if vector is None:
        return challenge.subscriber.password.encode()
    if not parse_algorithm(algorithm).aka:
        return vector.xres
    return aka_password(algorithm, vector.xres, vector.ck, vector.ik)


def _made_for(expected: Digest, method: str, given: str) -> bool:
    return _equal(replace(expected, method=method).response(), given)


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
