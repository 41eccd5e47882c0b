"""What a request on the SBI is made of, before it is sent (TS 29.500 clause 5, title)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from imsproof.link.subject import HttpAnswer
    from imsproof.profile.sbi import Nrf, Producer, Scp

    Target = Producer | Nrf | Scp

Headers = Sequence[tuple[str, str]]
Body = Mapping[str, Any] | Sequence[Any] | str | bytes | None

THROTTLED = (429, 503)
LONGEST_WAIT = 5
"""Seconds that a server may ask to wait."""


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One request as it is sent.

    Attributes:
        method: e.g. ``POST``.
        path: with the query.
        headers: without the pseudo-header fields.
        body: octets.
        authority: host and port, as in ``:authority`` or ``Host``.
    """

    method: str
    path: str
    headers: Headers
    body: bytes
    authority: str


def seconds_asked_for(answer: HttpAnswer) -> float | None:
    """How long a server that has too many requests asks to wait (RFC 6585 section 4, RFC 9110 section 10.2.3).

    ``None`` for every other answer, and for one that asks for too long.
    """
    asked = answer.header("retry-after") or ""
    if answer.status not in THROTTLED or not asked.isdigit() or int(asked) > LONGEST_WAIT:
        return None
    return float(asked)


def authority(target: Target) -> str:
    """The ``:authority`` of requests to a target: its name when it has one."""
    return f"{target.fqdn}:{target.url.port}" if target.fqdn else target.url.authority


def full_path(target: Target, path: str) -> str:
    """Path and query of a request: below the target's URL, or that of an absolute URL."""
    if path.startswith(("http://", "https://")):
        parts = urlsplit(path)
        return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    root = target.url.path.rstrip("/")
    return path if root and path.startswith(f"{root}/") else root + path


def encoded(body: Body) -> tuple[bytes, str]:
    """Return a body's bytes and the content type that goes with them (``""`` where the caller must know)."""
    if body is None:
        return b"", ""
    if isinstance(body, bytes):
        return body, ""
    if isinstance(body, str):
        return body.encode(), ""
    return json.dumps(body).encode(), "application/json"
