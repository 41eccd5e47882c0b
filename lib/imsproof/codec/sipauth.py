"""The values of WWW-Authenticate, Authorization and their like (RFC 3261 20.7, 20.44; RFC 3310; RFC 7616)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imsproof.codec.sipaddress import SipSyntaxError, quote, split_quoted, unquote

if TYPE_CHECKING:
    from collections.abc import Mapping

# Tokens by their grammar; all other parameters are quoted strings. A challenge quotes its qop, credentials do not.
BARE_IN_CREDENTIALS = {"algorithm", "nc", "qop", "userhash"}
BARE_IN_CHALLENGE = {"algorithm", "stale", "userhash"}
BARE_IN_INFO = {"nc", "qop"}


def parse_credentials(text: str) -> tuple[str, dict[str, str]]:
    """Read scheme and parameters; names in lower case, quotes removed, the first of a repeated name counts.

    Raises:
        SipSyntaxError: there is no scheme or a parameter has no value.
    """
    scheme, _, rest = text.strip().partition(" ")
    if not scheme or "=" in scheme:
        raise SipSyntaxError(f"{text[:80]!r} names no authentication scheme")
    return scheme, parse_auth_params(rest)


parse_challenge = parse_credentials


def parse_auth_params(text: str) -> dict[str, str]:
    """Read ``name=value, name="value"`` (the whole value of Authentication-Info).

    Raises:
        SipSyntaxError: a parameter has no value.
    """
    params: dict[str, str] = {}
    for part in split_quoted(text, ","):
        name, equals, value = part.partition("=")
        if part and not equals:
            raise SipSyntaxError(f"authentication parameter {part[:40]!r} has no value")
        if part:
            params.setdefault(name.strip().lower(), unquote(value.strip()))
    return params


def format_credentials(scheme: str, params: Mapping[str, str]) -> str:
    """Write an Authorization value, quotes where credentials have them."""
    return f"{scheme} {_format(params, BARE_IN_CREDENTIALS)}"


def format_challenge(scheme: str, params: Mapping[str, str]) -> str:
    """Write a WWW-Authenticate value, quotes where challenges have them."""
    return f"{scheme} {_format(params, BARE_IN_CHALLENGE)}"


def format_info(params: Mapping[str, str]) -> str:
    """Write an Authentication-Info value (no scheme)."""
    return _format(params, BARE_IN_INFO)


def _format(params: Mapping[str, str], bare: set[str]) -> str:
    return ", ".join(f"{name}={value if name in bare else quote(value)}" for name, value in params.items())
