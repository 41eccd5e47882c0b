"""What a producer checks of an access token (TS 33.501 clause 13.4.1.1.2), each check under one policy value.

Good tokens are verified by joserfc, not by our own codec, so that tester and lab do not share a mistake.
"""

from __future__ import annotations

import hmac
import json
import math
import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from imsproof.codec.jose import JoseSyntaxError, b64url_decode, hmac_signer, parse_unverified
from imsproof.lab.nodes import NRF, Nf
from imsproof.lab.sbi.messages import Refused, problem

if TYPE_CHECKING:
    from imsproof.lab.sbi.messages import Request
    from imsproof.lab.sbi.policy import SbiPolicy

BEARER = re.compile(r"bearer +([A-Za-z0-9._~+/=-]+)", re.IGNORECASE)
LEEWAY = 5.0
"""Seconds that clocks may differ."""
MAX_TOKEN = 16_384


class _TokenError(Exception):
    """The token is not good; the text says why."""


@dataclass(frozen=True, slots=True)
class TokenVerifier:
    """Checks access tokens for one producer.

    Attributes:
        producer: who is called.
        public_pem: the NRF's public key for tokens, PEM.
    """

    producer: Nf
    public_pem: bytes

    def consumer(self, request: Request, policy: SbiPolicy, scope: str) -> str:
        """Return the NF instance id of the consumer that may use the service ``scope``.

        Raises:
            Refused: 400 for several Authorization headers, 401 without a good token, 403 for another scope
                (forms of RFC 6750 section 3.1).
        """
        given = request.header_values("authorization")
        if len(given) > 1:
            raise self._refusal(400, "invalid_request", "more than one Authorization header")
        if not given:
            if policy.token_required:
                raise self._refusal(401, "", "no access token")
            return request.peer.instance_id
        try:
            claims = self._claims(_bearer(given[0]), policy)
            self._check_claims(claims, policy, request.peer.instance_id)
        except _TokenError as error:
            raise self._refusal(401, "invalid_token", str(error)) from error
        if policy.check_scope and scope not in str(claims.get("scope", "")).split(" "):
            raise self._refusal(403, "insufficient_scope", f"the token's scope does not name {scope}", scope)
        return str(claims.get("sub", ""))

    def _claims(self, token: str, policy: SbiPolicy) -> dict[str, Any]:
        """Return the claims once the signature is found good, or taken for good by a planted fault."""
        try:
            header, claims, signature = parse_unverified(token)
        except JoseSyntaxError as error:
            raise _TokenError(f"not a token: {error}") from error
        algorithm = str(header.get("alg"))
        if not policy.check_signature:
            return claims
        if policy.accept_alg_none and algorithm.strip().lower() in {"none", ""}:
            return claims
        signed = token.rpartition(".")[0].encode("ascii")
        if policy.accept_hmac_with_public_key and algorithm == "HS256":
            if hmac.compare_digest(hmac_signer(self.public_pem)(signed), signature):
                return claims
            raise _TokenError("the signature is wrong")
        try:
            payload = jws.deserialize_compact(token, ECKey.import_key(self.public_pem), algorithms=["ES256"]).payload
        except (JoseError, ValueError) as error:
            raise _TokenError(f"the signature is not good: {type(error).__name__}") from error
        _refuse_duplicates(payload, b64url_decode(token.split(".", maxsplit=1)[0]))
        return claims

    def _check_claims(self, claims: dict[str, Any], policy: SbiPolicy, client: str) -> None:
        now = time.time()
        if policy.check_issuer and claims.get("iss") != NRF.instance_id:
            raise _TokenError("the issuer is not trusted")
        if policy.check_audience and not self._is_audience(claims.get("aud")):
            raise _TokenError("the audience is another")
        if policy.check_expiry and not _number(claims, "exp", 0) > now - LEEWAY:
            raise _TokenError("the token has expired")
        if policy.check_issued and max(_number(claims, "iat", 0), _number(claims, "nbf", 0)) > now + LEEWAY:
            raise _TokenError("the token is not valid yet")
        if policy.check_subject and (not client or str(claims.get("sub", "")).lower() != client):
            raise _TokenError("the token was issued to another NF than the TLS client")

    def _is_audience(self, audience: object) -> bool:
        if isinstance(audience, str):
            return audience == self.producer.nf_type
        return isinstance(audience, list) and self.producer.instance_id in audience

    def _refusal(self, status: int, error: str, detail: str, scope: str = "") -> Refused:
        challenge = f'Bearer realm="{self.producer.fqdn}"'
        challenge += f', error="{error}"' if error else ""
        challenge += f', scope="{scope}"' if scope else ""
        more = {"accessTokenError": {"error": error}} if error else None
        cause = {400: "INVALID_MSG_FORMAT", 403: "ACCESS_TOKEN_DENIED"}.get(status, "UNAUTHORIZED")
        return Refused(problem(status, cause, detail, headers=(("www-authenticate", challenge),), more=more))


def _bearer(header: str) -> str:
    match = BEARER.fullmatch(header.strip()) if len(header) <= MAX_TOKEN else None
    if match is None:
        raise _TokenError("the Authorization header holds no bearer token of acceptable form and size")
    return match[1]


def _number(claims: dict[str, Any], name: str, default: float) -> float:
    value = claims.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise _TokenError(f"{name} is not a number")
    return value


def _refuse_duplicates(*documents: bytes) -> None:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(pairs)) != len(pairs):
            raise _TokenError("a member stands twice")
        return dict(pairs)

    for document in documents:
        json.loads(document, object_pairs_hook=unique)
