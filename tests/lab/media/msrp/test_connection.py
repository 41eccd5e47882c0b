"""A connection of the endpoint: what is no TLS, or no MSRP, ends it."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.lab.media.msrp.bench import Ue, box, make, offer, running

from imsproof.lab.media.msrp.endpoint import PORT, MsrpEndpoint

ADDRESS = "127.0.77.91"


def statuses(*sent: bytes, identity: Any = None, **msrp: Any) -> list[int]:
    """What comes back to bytes that are sent one after the other; ``None`` as identity means no TLS."""

    async def inner() -> list[int]:
        async with running(MsrpEndpoint(ADDRESS, box(**msrp))) as endpoint:
            sdp = offer()
            path = endpoint.answer("call", sdp, sdp.media[0]).attr("path") or ""
            peer = await Ue.connect(ADDRESS, PORT, identity)
            found = []
            for data in sent:
                await peer.send(data.replace(b"PATH", path.encode()))
                found.append(await peer.status())
            return found

    return asyncio.run(inner())


def test_bytes_that_are_no_tls_end_the_connection() -> None:
    assert statuses(b"GET / HTTP/1.1\r\n\r\n") == [0]
    assert statuses(make("PATH").to_bytes()) == [0]


def test_by_fault_msrp_without_tls_is_served() -> None:
    assert statuses(make("PATH").to_bytes(), make("PATH").to_bytes(), plain_accepted=True) == [200, 200]


def test_bytes_that_are_no_msrp_end_the_connection_behind_what_was_right() -> None:
    assert statuses(make("PATH").to_bytes() + b"garbage\r\n", plain_accepted=True) == [200]
