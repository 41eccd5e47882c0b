"""The bootstrap data channel at the MF: requests of the UE, with the root replaced by the DCSF's replacement URL.

TS 23.228 AC.7.1 (secondary): the UE asks for "/"; the MF forwards to the replacement URL over MDC1 or MDC2.
"""

from __future__ import annotations

import contextlib
import re
import ssl
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import unquote, urljoin, urlsplit

import httpx

from imsproof.engine.sctp import ChannelClosedError
from imsproof.lab.media.dcas import SUBSCRIBER_HEADER
from imsproof.lab.media.http1 import HttpError, Request, RequestReader, Response
from imsproof.lab.policy import PolicyBox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from imsproof.engine.sctp import Channel

MAX_ANSWER = 4 * 1024 * 1024
"""Bytes of an answer that the MF forwards."""
_PIECE = 16_384
_FORWARDED = ("accept", "if-none-match", "if-modified-since")
_RETURNED = ("cache-control", "etag", "last-modified")
_TIMEOUT = 5.0
_PLAIN_PATH = re.compile(r"/(?:[A-Za-z0-9._~-]+(?:/[A-Za-z0-9._~-]+)*/?)?\Z")


class Bootstrap:
    """Answers the requests of one context's bootstrap channels.

    Args:
        subscriber: for whom the context was made.
        apps_url: the replacement URL of the root, ending in ``/``.
        address: the MF's own IP address, the source of its requests.
        tls: client context of MDC2, for an ``https`` URL.
        policy: the lab's policy.
    """

    def __init__(
        self, subscriber: str, apps_url: str, address: str, tls: ssl.SSLContext | None, policy: PolicyBox | None = None
    ) -> None:
        self._policy = policy or PolicyBox()
        self._subscriber = subscriber
        self._apps_url = apps_url if apps_url.endswith("/") else f"{apps_url}/"
        self._address = address
        self._tls = tls
        self._client: httpx.AsyncClient | None = None

    @property
    def first_length_counts(self) -> bool:
        """Whether a planted fault lets the first of several lengths count."""
        return self._policy.current.media.first_length_counts

    async def answer(self, request: Request) -> Response:
        """Forward one request; what does not stay below the root is refused here."""
        media = self._policy.current.media
        if request.method not in ("GET", "HEAD") and media.methods_checked:
            return Response(405, headers=(("Allow", "GET, HEAD"),))
        path = request.target.partition("?")[0]
        url = self._apps_url + path[1:]
        if media.absolute_targets and path.startswith("http://"):
            url = urljoin(self._apps_url, urlsplit(path).path)
        elif media.paths_checked and (not _PLAIN_PATH.match(path) or ".." in unquote(path).split("/")):
            return Response(400, b"only plain paths below the root are served\n")
        headers = {name: value for name, value in request.headers if name in _FORWARDED}
        headers[SUBSCRIBER_HEADER] = self._subscriber
        if media.identity_by_header:
            headers[SUBSCRIBER_HEADER] = request.header(SUBSCRIBER_HEADER) or self._subscriber
        try:
            answer = await self._forward("HEAD" if request.method == "HEAD" else "GET", url, headers)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return Response(502, f"the application server does not answer: {type(error).__name__}\n".encode())
        if media.server_header:
            answer = replace(answer, headers=(*answer.headers, ("Server", media.server_header)))
        if media.packages_altered and answer.content_type == "application/zip":
            answer = replace(answer, body=answer.body + b"\0")
        if media.ranges_multiply:
            answer = replace(answer, body=answer.body * (1 + request.header("range").count(",")))
        return answer

    async def _forward(self, method: str, url: str, headers: dict[str, str]) -> Response:
        async with self._http().stream(method, url, headers=headers) as answer:
            body = b""
            async for piece in answer.aiter_raw():
                body += piece
                if len(body) > MAX_ANSWER:
                    return Response(502, b"the application server's answer is too long\n")
        kind = answer.headers.get("content-type", "application/octet-stream")
        returned = tuple((name, answer.headers[name]) for name in _RETURNED if name in answer.headers)
        return Response(answer.status_code, body, kind, returned, without_body=method == "HEAD")

    def _http(self) -> httpx.AsyncClient:
        if self._client is None:
            transport = httpx.AsyncHTTPTransport(
                verify=self._tls or ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), local_address=self._address
            )
            self._client = httpx.AsyncClient(
                transport=transport, timeout=_TIMEOUT, follow_redirects=False, trust_env=False
            )
        return self._client

    async def close(self) -> None:
        """Close the connections to the DC AS."""
        if self._client is not None:
            await self._client.aclose()


async def serve_channel(
    channel: Channel,
    bootstrap: Bootstrap,
    largest_message: int,
    everybody: Callable[[], Iterable[Channel]] = tuple,
    refused: Callable[[str], None] = lambda _: None,
) -> None:
    """Serve HTTP/1.1 over a data channel until it closes; what is not HTTP is refused, and the reading begins anew.

    Args:
        channel: the bootstrap channel.
        bootstrap: who answers.
        largest_message: the peer's ``a=max-message-size`` in bytes; 0 is any.
        everybody: the other channels that answers go to (planted faults only).
        refused: called with the kind of each request that is refused as hostile.
    """
    requests = RequestReader(first_length_counts=bootstrap.first_length_counts)
    piece = min(largest_message, _PIECE) if largest_message else _PIECE
    with contextlib.suppress(ChannelClosedError):
        while True:
            message = await channel.recv(None)
            try:
                for request in requests.feed(message.encode() if isinstance(message, str) else message):
                    answer = await bootstrap.answer(request)
                    for one in (channel, *everybody()):
                        _send(one, answer, piece)
            except HttpError as error:
                refused(error.kind)
                _send(channel, error.response, piece)
                requests = RequestReader(first_length_counts=bootstrap.first_length_counts)


def _send(channel: Channel, response: Response, piece: int) -> None:
    data = response.to_bytes()
    for start in range(0, len(data), piece):
        channel.send(data[start : start + piece])
