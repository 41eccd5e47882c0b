"""How a UE answers a challenge: AKA with its own check of AUTN, or a digest password (TS 33.203 6.1, RFC 3310)."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from imsproof.actors.sipsubject import Challenge
from imsproof.actors.usim import Usim, usim_of
from imsproof.codec import aka, sip
from imsproof.codec.digest import Digest, DigestError, aka_password, parse_algorithm
from imsproof.seams import InconclusiveError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from imsproof.profile.gm import Subscriber

    AlterBytes = Callable[[bytes], bytes]
    AlterParams = Callable[[dict[str, str]], dict[str, str]]


@dataclass(slots=True)
class Answer:
    """The UE's answer to a challenge.

    Attributes:
        authorization: the header's value; empty when the challenge cannot be answered.
        challenge: what was answered.
        autn: as in :class:`imsproof.actors.sipsubject.Registration`.
        detail: one sentence on AUTN for the journal.
        auts: whether this answer asks for resynchronisation.
    """

    authorization: str
    challenge: Challenge
    autn: str = ""
    detail: str = ""
    auts: bool = False
    res: bytes = b""
    ck: bytes = b""
    ik: bytes = b""


@dataclass
class Credentials:
    """A subscriber's secrets and the state of its USIM.

    Attributes:
        subscriber: from the profile.
        realm: the realm of the first REGISTER, before any challenge.
    """

    subscriber: Subscriber
    realm: str
    _count: dict[str, int] = field(default_factory=dict, init=False)

    @cached_property
    def _usim(self) -> Usim | None:
        return usim_of(self.subscriber)

    @property
    def usim(self) -> Usim:
        """The subscriber's USIM, made with its first use (``InconclusiveError`` when the profile gives none)."""
        if self._usim is None:
            raise InconclusiveError(
                f"subscriber {self.subscriber.name} is challenged with AKA, but the profile has no k and opc (or card)"
            )
        return self._usim

    def initial(self, uri: str) -> str:
        """Write the Authorization of a first REGISTER: identity, no response (TS 24.229 5.1.1.2, secondary)."""
        params = {"username": self.subscriber.impi, "realm": self.realm, "uri": uri, "nonce": "", "response": ""}
        return sip.format_credentials("Digest", params)

    def answer(
        self,
        header: str,
        method: str,
        uri: str,
        body: bytes = b"",
        *,
        res: AlterBytes | None = None,
        password: str | None = None,
        username: str | None = None,
        alter: AlterParams | None = None,
    ) -> Answer:
        """Answer a challenge.

        Args:
            header: the value of WWW-Authenticate or Proxy-Authenticate.
            method: the request's method.
            uri: the digest-uri.
            body: the request's body (for ``auth-int``).
            res: changes RES before the response is computed (to be wrong on purpose).
            password: instead of the subscriber's (to be wrong on purpose).
            username: instead of the subscriber's IMPI (to speak in another's name).
            alter: changes the header's parameters after the response was computed.

        Raises:
            InconclusiveError: the profile lacks the secret that the challenge asks for.
        """
        challenge = self.read(header)
        try:
            algorithm = parse_algorithm(challenge.algorithm)
        except DigestError as error:
            return Answer("", challenge, "unreadable", str(error))
        if algorithm.aka:
            answer = self._aka(challenge, res)
            if answer.autn == "unreadable":
                return answer
            secret = b""
            if answer.res and not answer.auts:
                secret = aka_password(challenge.algorithm, answer.res, answer.ck, answer.ik)
        else:
            answer = Answer("", challenge)
            secret = self._password(password)
        name = self.subscriber.impi if username is None else username
        answer.authorization = self._write(answer, secret, method, uri, body, name, alter)
        return answer

    def network_sqn(self, challenge: Challenge) -> int | None:
        """Read the network's SQN from AUTN; ``None`` where it cannot be told (no AKA, a wrong MAC, a card)."""
        if not challenge.autn or self._usim is None:
            return None
        return self._usim.network_sqn(challenge.rand, challenge.autn)

    def session_keys(self, challenge: Challenge) -> tuple[bytes, bytes]:
        """Return CK and IK of an AKA challenge, whatever its AUTN says; both empty without AKA."""
        if not challenge.rand or self._usim is None:
            return b"", b""
        return self._usim.keys(challenge.rand, challenge.autn)

    def count_again(self) -> None:
        """Begin every nonce's count (nc) anew, as a replay would."""
        self._count.clear()

    def choose(self, challenges: Sequence[str]) -> str:
        """Choose the challenge to answer: the first that there is a way to answer (RFC 8760 section 2.4, text).

        Where the subscriber has an algorithm, one with this algorithm comes first. Without any that can be answered it
        is the first one, and ``""`` without any at all.
        """
        known = [text for text in challenges if _algorithm(text) is not None]
        wanted = (self.subscriber.algorithm or "").upper()
        return next((text for text in known if _algorithm(text) == wanted), next(iter([*known, *challenges]), ""))

    @staticmethod
    def read(header: str, *, proxy: bool = False) -> Challenge:
        """Take a challenge apart, of a ``proxy`` or not; what cannot be read is left empty."""
        try:
            _, params = sip.parse_challenge(header)
        except sip.SipSyntaxError:
            return Challenge({}, proxy=proxy)
        try:
            rand, autn, _ = aka.decode_nonce(params.get("nonce", ""))
        except aka.AkaError:
            rand = autn = b""
        return Challenge(params, rand, autn, proxy)

    def _aka(self, challenge: Challenge, alter: AlterBytes | None) -> Answer:
        if not challenge.autn:
            return Answer("", challenge, "unreadable", "the nonce does not hold RAND and AUTN")
        try:
            good = self.usim.authenticate(challenge.rand, challenge.autn)
        except aka.MacError as error:
            return Answer("", challenge, "wrong-mac", str(error))
        except aka.SyncError as error:
            text = f"the MAC is right, the sequence number is not: {error}"
            return Answer("", challenge, "valid", text, auts=True, res=error.auts)
        res = alter(good.res) if alter else good.res
        text = f"the MAC is right, SQN {good.sqn} is fresh" if good.sqn >= 0 else "the card takes it"
        return Answer("", challenge, "valid", text, res=res, ck=good.ck, ik=good.ik)

    def _password(self, password: str | None) -> bytes:
        chosen = self.subscriber.password if password is None else password
        if chosen is None:
            raise InconclusiveError(
                f"subscriber {self.subscriber.name} is challenged for a password; the profile has none"
            )
        return chosen.encode()

    def _write(
        self, answer: Answer, secret: bytes, method: str, uri: str, body: bytes, name: str, alter: AlterParams | None
    ) -> str:
        challenge = answer.challenge
        params = {
            "username": name,
            "realm": challenge.params.get("realm", self.realm),
            "nonce": challenge.nonce,
            "uri": uri,
        }
        offered = [word.strip() for word in challenge.params.get("qop", "").split(",")]
        qop = "auth" if "auth" in offered else "auth-int" if "auth-int" in offered else ""
        digest_extra: dict[str, str] = {}
        if qop:
            self._count[challenge.nonce] = self._count.get(challenge.nonce, 0) + 1
            digest_extra = {"nc": f"{self._count[challenge.nonce]:08x}", "cnonce": secrets.token_hex(8)}
        digest = Digest(
            algorithm=challenge.algorithm,
            username=params["username"],
            realm=params["realm"],
            password=secret,
            method=method,
            uri=uri,
            nonce=challenge.nonce,
            qop=qop,
            body=body,
            **digest_extra,
        )
        # A UE that does not believe the network sends no response at all (TS 33.203 6.1.2.2, secondary).
        params["response"] = "" if answer.autn == "wrong-mac" else digest.response()
        params["algorithm"] = challenge.algorithm
        if qop:
            params |= {"qop": qop, **digest_extra}
        if "opaque" in challenge.params:
            params["opaque"] = challenge.params["opaque"]
        if answer.auts:
            params["auts"] = aka.encode_auts(answer.res)
        return sip.format_credentials("Digest", alter(params) if alter else params)


def _algorithm(challenge: str) -> str | None:
    """The algorithm of a Digest challenge in capitals, ``None`` for other schemes and algorithms that are not known."""
    try:
        scheme, params = sip.parse_challenge(challenge)
        name = params.get("algorithm", "") or "MD5"
        parse_algorithm(name)
    except (sip.SipSyntaxError, DigestError):
        return None
    return name.upper() if scheme.lower() == "digest" else None
