"""The DC AS, reached as the MF reaches it."""

from __future__ import annotations

import asyncio
import hashlib
import json
import ssl
import zipfile
from io import BytesIO

import httpx
import pytest
from tests.lab.media.support import box

from imsproof.lab.media.dcas import SUBSCRIBER_HEADER, DcApplicationServer, subscribers_apps
from imsproof.lab.media.http1 import Request
from imsproof.lab.media.mdc import make_trust

ALICE = "sip:alice@ims.example"
TABLE = {ALICE: ("whiteboard",)}


def server(tls: ssl.SSLContext | None = None) -> DcApplicationServer:
    return DcApplicationServer(
        "127.0.0.1", box(), apps_of=subscribers_apps(TABLE), all_apps=("whiteboard", "games"), tls=tls
    )


def ask(target: str, subscriber: str = ALICE, method: str = "GET", **headers: str) -> tuple[int, bytes]:
    request = Request(method, target, ((SUBSCRIBER_HEADER, subscriber), *headers.items()))
    response = asyncio.run(server().answer(request))
    return response.status, response.body


ROOT = "/apps/sip%3Aalice%40ims.example/"


def test_the_list_names_each_package_with_its_hash() -> None:
    status, body = ask(ROOT, accept="application/json")
    [entry] = json.loads(body)["applications"]
    assert status == 200
    _, package = ask(ROOT + entry["url"][1:])
    assert hashlib.sha256(package).hexdigest() == entry["sha256"]
    assert zipfile.ZipFile(BytesIO(package)).namelist() == ["index.html"]


def test_the_page_links_the_packages() -> None:
    status, body = ask(ROOT)
    assert status == 200
    assert b'href="/packages/whiteboard.zip"' in body


@pytest.mark.parametrize(
    ("target", "subscriber", "status"),
    [
        (ROOT, "sip:bob@ims.example", 403),
        (ROOT + "packages/games.zip", ALICE, 404),
        (ROOT + "packages/../x", ALICE, 404),
        ("/", ALICE, 404),
        ("/other/x/", ALICE, 404),
    ],
)
def test_what_is_not_the_subscribers_is_not_served(target: str, subscriber: str, status: int) -> None:
    assert ask(target, subscriber)[0] == status


def test_other_methods_are_refused() -> None:
    assert ask(ROOT, method="DELETE")[0] == 405


def test_only_the_mf_is_served_over_tls() -> None:
    async def inner() -> None:
        trust = make_trust()
        dcas = server(trust.dcas)
        await dcas.start()
        headers = {SUBSCRIBER_HEADER: ALICE}
        async with httpx.AsyncClient(verify=trust.mf, headers=headers) as mf:
            assert (await mf.get(dcas.url(ALICE))).status_code == 200
        stranger = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        stranger.check_hostname = False
        stranger.verify_mode = ssl.CERT_NONE
        async with httpx.AsyncClient(verify=stranger, headers=headers) as other:
            with pytest.raises(httpx.TransportError):
                await other.get(dcas.url(ALICE))
        await dcas.stop()

    asyncio.run(inner())
