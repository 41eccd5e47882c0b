"""Guesses at what a subscriber must not fetch: paths of other applications and of other subscribers."""

from __future__ import annotations

import re
from urllib.parse import quote

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
