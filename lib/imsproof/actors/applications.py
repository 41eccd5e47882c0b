"""Guesses at what a subscriber must not fetch: paths of other applications and of other subscribers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

if TYPE_CHECKING:
    from imsproof.link.subject import HttpAnswer

LINK = re.compile(r"""(?:href=|"url"\s*:\s*)["']([^"']{1,500})["']""")
MOST = 4


def links(listing: bytes) -> list[str]:
    """The links of a list of applications, in HTML or JSON."""
    return LINK.findall(listing.decode("utf-8", "replace"))


def link_to(listing: bytes, app: str) -> str:
    """The link to an application, ``""`` when the list has none."""
    return next((link for link in links(listing) if app in link), "")


def others_paths(listing: bytes, own: str, other: str) -> list[str]:
    """Where another application would lie: as the own one does, with its name in the place of the own one's."""
    found = [link.replace(own, other) for link in links(listing) if own in link]
    return [path if path.startswith("/") else f"/{path}" for path in dict.fromkeys(found)][:MOST] or [f"/{other}"]


def climbing_paths(impu: str) -> list[str]:
    """Ways out of the own root, to the root of another subscriber."""
    name = quote(impu, safe="")
    return [
        f"/../{name}/",
        f"/%2e%2e/{name}/",
        f"/..%2f{name}/",
        f"/./../{name}/",
        f"//{name}/",
        f"/{name}/",
        f"/?user={name}",
    ]


def absolute_targets(host: str, impu: str) -> list[str]:
    """Targets in absolute form that name another subscriber."""
    name = quote(impu, safe="")
    return [f"http://{host}/{name}/", f"http://{host}/apps/{name}/", f"http://{name}@{host}/"]


def identity_headers(impu: str) -> list[tuple[str, str]]:
    """Headers in which a proxy or an application server may be told whose request it is."""
    return [
        ("X-3GPP-Asserted-Identity", impu),
        ("X-3GPP-Intended-Identity", impu),
        ("P-Asserted-Identity", f"<{impu}>"),
        ("X-Forwarded-User", impu),
        ("X-Original-URL", f"/{quote(impu, safe='')}/"),
    ]


ENDLESS = 1 << 17
"""Octets of what has no end: several times what servers keep of a request's head."""
MANY = 5000
_HEAD = b"GET / HTTP/1.1\r\nHost: bootstrap\r\n"
_POST = b"POST / HTTP/1.1\r\nHost: bootstrap\r\n"

ENDLESS_REQUESTS: dict[str, tuple[str, bytes]] = {
    "endless-head": ("a head that does not end", _HEAD + b"X-Endless: " + b"A" * ENDLESS),
    "endless-body": ("a body that does not end", _POST + b"Content-Length: 999999999\r\n\r\n" + b"A" * ENDLESS),
    "endless-chunks": (
        "a chunked body that does not end",
        _POST + b"Transfer-Encoding: chunked\r\n\r\n" + (b"400\r\n" + b"A" * 1024 + b"\r\n") * (ENDLESS // 1024),
    ),
    "header-flood": ("5000 header fields", _HEAD + b"".join(b"X-%d: a\r\n" % n for n in range(MANY)) + b"\r\n"),
}
"""Requests that a server must bound, by the name of what is wrong with them: what each is called, and its octets."""


def overlapping_ranges(count: int) -> tuple[str, str]:
    """A Range header that asks for the whole representation ``count`` times (CVE-2011-3192)."""
    return ("Range", "bytes=" + ",".join(["0-"] * count))


def moved_to(answer: HttpAnswer) -> str:
    """The path to which an answer leads on (RFC 9110 section 15.4), ``""`` when it leads nowhere."""
    if answer.status not in (301, 302, 303, 307, 308):
        return ""
    where = next((value for name, value in answer.headers if name == "location"), "")
    path = urlsplit(where).path
    return path if path.startswith("/") else f"/{path}" if path else ""
