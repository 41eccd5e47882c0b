"""Access tokens as a consumer asks for them, or mints them with the profile's key (TS 29.510 clause 6.3, title)."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from cryptography.hazmat.primitives import serialization

from imsproof.codec import jose
from imsproof.link.subject import HttpAnswer
from imsproof.link.tls import read_pem
from imsproof.seams import HarnessError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from imsproof.actors.nfidentity import NfIdentity
    from imsproof.profile.sbi import Producer, Sbi, Tokens

TOKEN_SECONDS = 600
TOKEN_PATH = "/oauth2/token"  # noqa: S105 - a path, not a secret


@dataclass(slots=True, kw_only=True)
class TokenAnswer(HttpAnswer):
    """The answer to a token request, or a token that was minted or read from a file (status 200 then)."""

    token: str = ""


def token_form(
    identity: NfIdentity,
    producer: Producer | None,
    *,
    scope: str | None = None,
    changes: Mapping[str, str | None] | None = None,
) -> str:
    """Write the form of a token request (TS 29.510 AccessTokenReq); ``None`` among ``changes`` leaves a field out."""
    form: dict[str, str | None] = {
        "grant_type": "client_credentials",
        "nfInstanceId": identity.instance_id or None,
        "nfType": identity.nf_type or None,
        "targetNfType": producer.nf_type if producer else None,
        "scope": scope or (producer.token_scope if producer else None) or None,
        **(changes or {}),
    }
    return urlencode({name: value for name, value in form.items() if value is not None})


def token_of(answer: HttpAnswer) -> TokenAnswer:
    """Read the token out of the NRF's answer (``""`` where it holds none)."""
    value = answer.json()
    text = value.get("access_token") if isinstance(value, dict) else None
    return TokenAnswer(
        record=answer.record,
        exchange=answer.exchange,
        failed=answer.failed,
        status=answer.status,
        headers=answer.headers,
        body=answer.body,
        reset=answer.reset,
        goaway=answer.goaway,
        token=text if answer.ok and isinstance(text, str) else "",
    )


def described(token: str) -> str:
    """What a token says of whom it is by, about and for, for whom its refusal puzzles; ``""`` of one that is no JWS."""
    try:
        claims = jose.parse_unverified(token).claims
    except jose.JoseSyntaxError:
        return ""
    return ", ".join(
        f"{name} {claims[name]}" if name in claims else f"no {name}" for name in ("iss", "sub", "aud", "scope")
    )


def mint(
    sbi: Sbi,
    identity: NfIdentity,
    producer: Producer,
    *,
    scope: str | None = None,
    claims: Mapping[str, Any] | None = None,
) -> str:
    """Sign a token with the key of ``sbi.tokens``; ``None`` among ``claims`` leaves one out.

    Raises:
        HarnessError: there is no such key, or it cannot be used.
    """
    tokens, sign = _keyed(sbi), token_signer(sbi)
    now = int(time.time())
    issuer = tokens.issuer or (sbi.nrf.instance_id if sbi.nrf else None)
    good: dict[str, Any] = {
        "iss": issuer,
        "sub": identity.instance_id or None,
        "aud": producer.nf_type or ([producer.instance_id] if producer.instance_id else None),
        "scope": scope or producer.token_scope or None,
        "iat": now,
        "exp": now + TOKEN_SECONDS,
        **(claims or {}),
    }
    header = {"alg": tokens.algorithm, "typ": "JWT", **({"kid": tokens.kid} if tokens.kid else {})}
    return jose.encode(header, {name: value for name, value in good.items() if value is not None}, sign)


def token_signer(sbi: Sbi) -> jose.Sign:
    """Return the signing function of ``sbi.tokens`` (``HarnessError`` when there is no key, or it cannot be used)."""
    tokens = _keyed(sbi)
    secret = read_pem(tokens.key or "")
    try:
        key: Any = secret if tokens.algorithm == "HS256" else serialization.load_pem_private_key(secret, None)
        return jose.signer(tokens.algorithm, key)
    except (ValueError, TypeError) as error:
        raise HarnessError(f"sbi.tokens.key cannot be used for {tokens.algorithm}: {error}") from error


def _keyed(sbi: Sbi) -> Tokens:
    if sbi.tokens is None or sbi.tokens.key is None:
        raise HarnessError("tokens cannot be minted: fill in sbi.tokens.from key, and sbi.tokens.key")
    return sbi.tokens
