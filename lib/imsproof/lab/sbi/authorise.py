"""What a producer checks of an access token (TS 33.501 clause 13.4.1.1.2), each check under one policy value.

Good tokens are verified by joserfc, not by our own codec, so that tester and lab do not share a mistake.
"""

from __future__ import annotations

import json
import math
import re
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from joserfc.jwk import ECKey

from imsproof.codec.jose import JoseSyntaxError, b64url_decode, parse_unverified
from imsproof.lab.nodes import NF_SET, NRF, PLMN, SCP, SLICE, SLICE_INSTANCE, Nf
from imsproof.lab.sbi.cca import HEADER, check_assertion
from imsproof.lab.sbi.messages import Refused, problem
from imsproof.lab.sbi.signature import TokenError, taken_for_good, verify

if TYPE_CHECKING:
    from imsproof.lab.sbi.messages import Request
    from imsproof.lab.sbi.policy import SbiPolicy

BEARER = re.compile(r"bearer +([A-Za-z0-9._~+/=-]+)", re.IGNORECASE)
LEEWAY = 5.0
"""Seconds that clocks may differ."""
MAX_TOKEN = 16_384


@dataclass(frozen=True, slots=True)
class TokenVerifier:
    """Checks access tokens for one producer.

    Attributes:
        producer: who is called.
        public_pem: the NRF's public key for tokens, PEM.
        ca_pem: the trust anchor of the certificates in assertions, PEM.
        wants_assertion: each request must bring a client credentials assertion.
        operation_scope: a scope that tokens need beside the service's.
    """

    producer: Nf
    public_pem: bytes
    ca_pem: bytes = b""
    wants_assertion: bool = False
    operation_scope: str = ""

    def consumer(self, request: Request, policy: SbiPolicy, scope: str) -> str:
        """Return the NF instance id of the consumer that may use the service ``scope``.

        Raises:
            Refused: 400 for several Authorization headers, 401 without a good token, 403 for another scope
                (forms of RFC 6750 section 3.1), 403 for a client credentials assertion that is not good.
        """
        given = request.header_values("authorization")
        if policy.query_token and not given:
            given = [f"Bearer {value}" for name, value in parse_qsl(request.query) if name == "access_token"]
        if len(given) > 1 and not policy.first_authorization_wins:
            raise self._refusal(400, "invalid_request", "more than one Authorization header")
        client = request.peer.instance_id
        if client == SCP.instance_id:  # who calls is said by the assertion alone (TS 33.501 clause 13.3.8)
            client = check_assertion(request, policy, self.producer.nf_type, self.ca_pem)
            policy = replace(policy, check_subject=policy.check_subject and not (policy.scp_vouches and not client))
        subject = self._subject(given, client, policy, scope)
        if self.wants_assertion and policy.cca_required and not request.header_values(HEADER):
            raise Refused(problem(403, "CCA_VERIFICATION_FAILURE", "no client credentials assertion"))
        check_assertion(request, policy, self.producer.nf_type, self.ca_pem, subject)
        return subject

    def _subject(self, given: list[str], client: str, policy: SbiPolicy, scope: str) -> str:
        claims: dict[str, Any] | None = None
        try:
            if given:
                claims = self._claims(_bearer(given[0]), policy)
        except JoseSyntaxError as error:
            if policy.check_malformed:
                raise self._refusal(401, "invalid_token", f"not a token: {error}") from error
            return client
        except TokenError as error:
            raise self._refusal(401, "invalid_token", str(error)) from error
        if claims is None:
            if policy.token_required:
                raise self._refusal(401, "", "no access token")
            return client
        try:
            self._check_claims(claims, policy, client)
        except TokenError as error:
            raise self._refusal(401, "invalid_token", str(error)) from error
        if policy.check_scope and not _names(str(claims.get("scope", "")), scope, policy):
            raise self._refusal(403, "insufficient_scope", f"the token's scope does not name {scope}", scope)
        more = self.operation_scope if policy.check_operation_scope else ""
        if more and not _names(str(claims.get("scope", "")), more, policy):
            raise self._refusal(403, "insufficient_scope", f"the token's scope does not name {more}", more)
        return str(claims.get("sub", ""))

    def _claims(self, token: str, policy: SbiPolicy) -> dict[str, Any]:
        """Return the claims once the signature is found good, or taken for good by a planted fault."""
        header, claims, signature = parse_unverified(token)
        if taken_for_good(token, header, signature, policy, self.public_pem, self.ca_pem):
            return claims
        payload = verify(token, ECKey.import_key(self.public_pem))
        if policy.first_duplicate_wins:
            found: dict[str, Any] = json.loads(payload, object_pairs_hook=lambda pairs: dict(reversed(pairs)))
            return found
        _refuse_duplicates(payload, b64url_decode(token.split(".", maxsplit=1)[0]))
        return claims

    def _check_claims(self, claims: dict[str, Any], policy: SbiPolicy, client: str) -> None:
        now = time.time()
        if policy.check_issuer and claims.get("iss") != NRF.instance_id:
            raise TokenError("the issuer is not trusted")
        listed = policy.audience_by_list and isinstance(claims.get("aud"), list)
        if policy.check_audience and not listed and not self._is_audience(claims.get("aud")):
            raise TokenError("the audience is another")
        forever = "exp" not in claims and not policy.require_expiry
        if policy.check_expiry and not forever and not _number(claims, "exp", 0) > now - LEEWAY:
            raise TokenError("the token has expired")
        if policy.check_issued and max(_number(claims, "iat", 0), _number(claims, "nbf", 0)) > now + LEEWAY:
            raise TokenError("the token is not valid yet")
        if policy.check_subject and (not client or str(claims.get("sub", "")).lower() != client):
            raise TokenError("the token was issued to another NF than the TLS client")
        _check_place(claims, policy)

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
        raise JoseSyntaxError("the Authorization header holds no bearer token of acceptable form and size")
    return match[1]


def _check_place(claims: dict[str, Any], policy: SbiPolicy) -> None:
    """Check the optional claims that say where the producer is: PLMN, slice, NF set."""
    if policy.check_token_plmn and claims.get("producerPlmnId", PLMN) != PLMN:
        raise TokenError("the token is for a producer of another PLMN")
    abroad = claims.get("consumerPlmnId", PLMN) != PLMN
    if policy.require_token_plmn and abroad and "producerPlmnId" not in claims:
        raise TokenError("the token does not say for which PLMN it is")
    if policy.check_token_slice and SLICE not in claims.get("producerSnssaiList", [SLICE]):
        raise TokenError("the token is for another slice")
    if policy.check_token_slice and SLICE_INSTANCE not in claims.get("producerNsiList", [SLICE_INSTANCE]):
        raise TokenError("the token is for another slice instance")
    if policy.check_token_set and claims.get("producerNfSetId", NF_SET) != NF_SET:
        raise TokenError("the token is for another NF set")


def _names(granted: str, scope: str, policy: SbiPolicy) -> bool:
    return scope in granted if policy.scope_by_part else scope in granted.split(" ")


def _number(claims: dict[str, Any], name: str, default: float) -> float:
    value = claims.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise TokenError(f"{name} is not a number")
    return value


def _refuse_duplicates(*documents: bytes) -> None:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(pairs)) != len(pairs):
            raise TokenError("a member stands twice")
        return dict(pairs)

    for document in documents:
        json.loads(document, object_pairs_hook=unique)
