"""Malformed SIP requests, built in code after the descriptions of RFC 4475 section 3.1.2 (no text of it is used)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Malformed:
    """One malformed request: its name and section in RFC 4475, and how it is written for a target.

    ``build`` takes the Request-URI, the Via sent-by (``host:port``), and a token that makes it unique.
    """

    name: str
    section: str
    about: str
    build: Callable[[str, str, str], bytes]


def _request(
    method: str,
    uri: str,
    sent_by: str,
    token: str,
    *,
    version: str = "SIP/2.0",
    cseq: str | None = None,
    extra: tuple[str, ...] = (),
    length: str = "0",
) -> bytes:
    lines = [
        f"{method} {uri} {version}",
        f"Via: SIP/2.0/UDP {sent_by};branch=z9hG4bK{token};rport",
        "Max-Forwards: 70",
        f"From: <{uri}>;tag={token[:8]}",
        f"To: <{uri}>",
        f"Call-ID: {token}",
        f"CSeq: {cseq or f'1 {method}'}",
        f"Contact: <sip:{token[:8]}@{sent_by}>",  # a UE's REGISTER has one; a P-CSCF may refuse it without
        *extra,
        f"Content-Length: {length}",
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def _insufficient(uri: str, sent_by: str, token: str) -> bytes:
    whole = _request("REGISTER", uri, sent_by, token).decode().split("\r\n")
    return "\r\n".join(line for line in whole if not line.startswith(("From:", "To:", "Call-ID:"))).encode()


MALFORMED = (
    Malformed(
        "ncl",
        "3.1.2.3",
        "a negative Content-Length",
        lambda uri, by, token: _request("REGISTER", uri, by, token, length="-999"),
    ),
    Malformed(
        "scalar02",
        "3.1.2.4",
        "scalar fields far out of range",
        lambda uri, by, token: _request(
            "REGISTER",
            uri,
            by,
            token,
            cseq="36893488147419103232 REGISTER",
            extra=("Expires: 10000000000000000000000",),
        ),
    ),
    Malformed(
        "badvers",
        "3.1.2.16",
        "an unknown protocol version",
        lambda uri, by, token: _request("REGISTER", uri, by, token, version="SIP/7.0"),
    ),
    Malformed(
        "mismatch01",
        "3.1.2.17",
        "a method in CSeq that is not the request's",
        lambda uri, by, token: _request("REGISTER", uri, by, token, cseq="8 INVITE"),
    ),
    Malformed("insuf", "3.3.1", "From, To and Call-ID are missing", _insufficient),
)


def well_formed(uri: str, sent_by: str, token: str) -> bytes:
    """The same request as the malformed ones, with nothing wrong in it."""
    return _request("REGISTER", uri, sent_by, token)
