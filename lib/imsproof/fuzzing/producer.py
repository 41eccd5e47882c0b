"""Doors to a producer on the SBI: HTTP/2 frames inside TLS, bodies of authorised requests, and access tokens."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

from imsproof.fuzzing.doors import Door
from imsproof.link.session import ConnectionFailedError
from imsproof.link.tls import TlsStream

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imsproof.actors.nf import NfConsumer
    from imsproof.fuzzing.target import Reaction
    from imsproof.profile.sbi import Producer
    from imsproof.seams import Address

ANSWER = 0.1
"""Seconds to wait for the first frames of a server."""
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


class SbiFrames(Door):
    """Frames of HTTP/2 inside TLS, towards the producer under test."""

    name = "sbi"

    def __init__(self, consumer: NfConsumer, producer: Producer, elsewhere: NfConsumer | None = None) -> None:
        """Speak as this consumer to this producer; ``elsewhere`` is the same one at another address."""
        super().__init__(consumer.session, None if elsewhere is None else self._serves_other)
        self._other = elsewhere
        self._consumer = consumer
        self._producer = producer
        self.corpus = list(_frames(producer))

    def throw(self, cases: Sequence[bytes], reaction: Reaction) -> None:
        """Write each case to a connection of its own."""

        async def one(data: bytes) -> int:
            options = self._consumer.options(self._producer)
            where = self.where()
            exchange = self.session.exchange("frames")
            try:
                stream = await TlsStream.open(self.session, "fuzzer", exchange, where, options, quiet=True)
            except ConnectionFailedError:
                return -1
            try:
                await stream.send(data)
                return len(await stream.receive(ANSWER) or b"")
            except ConnectionFailedError:
                return 0
            finally:
                await stream.aclose()

        async def together() -> list[int]:
            return await asyncio.gather(*(one(data) for data in cases))

        for data, came in zip(cases, self.session.run(together()), strict=True):
            reaction.count(data, min(came, 1), f"{came.bit_length()} bits of answer")

    def serves(self) -> bool:
        """Whether the producer answers a request at all."""
        return self._consumer.call(self._producer, "GET", "/", label="alive?").answered

    def _serves_other(self) -> bool:
        assert self._other is not None
        served = self._other.call(self._producer, "GET", "/", label="alive, at another address?").answered
        self._other.session.clear()
        return served

    def where(self) -> Address:
        """The producer's address."""
        return (self._producer.url.host, self._producer.url.port)


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + payload


def _frames(producer: Producer) -> list[bytes]:
    from hpack import Encoder  # noqa: PLC0415 - only here

    def headers(method: str, path: str, *more: tuple[str, str]) -> bytes:
        fields = [
            (":method", method),
            (":scheme", "https"),
            (":authority", producer.fqdn or "producer"),
            (":path", path),
            *more,
        ]
        return bytes(Encoder().encode(fields))

    begin = PREFACE + _frame(4, 0, 0, b"")
    json_type = ("content-type", "application/json")
    probe = producer.probe
    path = probe.path if probe else "/"
    body = json.dumps(probe.body if probe and probe.body else {"a": [1, {"b": None}]}).encode()
    post = begin + _frame(1, 4, 1, headers("POST", path, json_type)) + _frame(0, 1, 1, body)
    token = headers("POST", path, json_type, ("authorization", "Bearer a.b.c"))
    return [
        begin + _frame(1, 5, 1, headers("GET", "/")),
        post,
        begin + _frame(1, 4, 1, token) + _frame(0, 1, 1, body),
        begin + _frame(4, 0, 0, b"\0\3\0\0\0\1\0\4\0\0\xff\xff\0\5\0\0\x40\0") + _frame(4, 1, 0, b""),
        begin + _frame(6, 0, 0, bytes(8)) + _frame(8, 0, 0, b"\0\0\x10\0") + _frame(2, 0, 1, b"\0\0\0\0\x10"),
        begin + _frame(1, 1, 1, headers("GET", "/")[:8]) + _frame(9, 4, 1, headers("GET", "/")[8:]),
        post + _frame(3, 0, 1, bytes(4)) + _frame(7, 0, 0, bytes(8)),
    ]
