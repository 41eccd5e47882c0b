"""Doors to a producer on the SBI: HTTP/2 frames inside TLS, bodies of authorised requests, and access tokens."""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from imsproof.codec import jose
from imsproof.codec.jose import JoseSyntaxError, b64url_decode
from imsproof.fuzzing.doors import Door
from imsproof.fuzzing.watch import Condition, Look
from imsproof.link.session import ConnectionFailedError
from imsproof.link.tls import TlsStream
from imsproof.seams import InconclusiveError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imsproof.actors.nf import NfConsumer
    from imsproof.actors.producerclient import ProducerClient
    from imsproof.fuzzing.target import Reaction
    from imsproof.fuzzing.watch import Health
    from imsproof.link.subject import HttpAnswer
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


BODIES = (
    b"[" * 200 + b"]" * 200,
    b'{"a": 1, "a": 2}',
    b'{"a": 1e999, "b": -0, "c": "\\ud800"}',
    b'{"__proto__": {"a": 1}}',
    b"null",
)
"""JSON that readers stumble over: depth, names twice, numbers out of range, half a character, a name with a meaning."""


class SbiRequests(Door):
    """Requests as the profile's probe, right but for the one part that a case is; what they make is deleted again."""

    def __init__(self, client: ProducerClient, elsewhere: ProducerClient | None = None) -> None:
        """Ask as this client; ``elsewhere`` is one at another address (``InconclusiveError`` without a probe)."""
        super().__init__(client.consumer.session, None if elsewhere is None else lambda: self._served(elsewhere))
        if client.producer.probe is None:
            raise InconclusiveError(f"producer {client.producer.name} has no probe: fill in sbi.producers[].probe")
        self.client = client
        self.answers: list[tuple[bytes, int]] = []
        self.given: list[str] = []
        self.token = self._fresh()

    def _fresh(self) -> str:
        """Return a good token, ``""`` where none is wanted."""
        if not self.client.wants_token:
            return ""
        answer = self.client.token()
        if not answer.token:
            raise InconclusiveError(f"no access token could be had: {answer.failed or f'answered {answer.status}'}")
        self.given.append(answer.token)
        return answer.token

    def ask(self, case: bytes) -> HttpAnswer:
        """Send a request that carries a case."""
        raise NotImplementedError

    def throw(self, cases: Sequence[bytes], reaction: Reaction) -> None:
        """Send a request for each case, and delete what it made."""
        self.answers = []
        for case in cases:
            answer = self.ask(case)
            self.answers.append((case, answer.status))
            told = f"{answer.status} {answer.header('content-type') or ''} {_word(answer)}"
            reaction.count(case, answer.status or -1, told if answer.status else answer.failed)
        self.client.release(self.token or None)

    def serves(self) -> bool:
        """Whether the probe is served; with a new token where the old one may have run out."""
        if self._served(self.client):
            return True
        self.token = self._fresh()
        return self._served(self.client)

    def _served(self, client: ProducerClient) -> bool:
        served = client.probe(self.token or None).status in client.successes
        client.release(self.token or None)
        return served

    def where(self) -> Address:
        """The producer's address."""
        return (self.client.producer.url.host, self.client.producer.url.port)


def _word(answer: HttpAnswer) -> str:
    """Return what a problem is called, so that two problems are two kinds of answer."""
    found = re.search(rb'"(?:cause|error)"\s*:\s*"([^"]{1,40})"', answer.body)
    return found[1].decode("latin-1") if found else ""


class SbiBodies(SbiRequests):
    """Bodies of authorised requests. A body that is no JSON may be taken all the same (RFC 8259 section 9)."""

    name = "sbi-json"

    def __init__(self, client: ProducerClient, elsewhere: ProducerClient | None = None) -> None:
        """Begin with the probe's own body."""
        super().__init__(client, elsewhere)
        probe = client.producer.probe
        good = json.dumps(probe.body if probe and probe.body is not None else {}).encode()
        self.corpus = [good, good.replace(b": ", b":"), *BODIES]

    def ask(self, case: bytes) -> HttpAnswer:
        """Send the body as it is, and say that it is JSON."""
        json_type = [("content-type", "application/json")]
        return self.client.probe(self.token or None, body=case, headers=json_type, injected=True, patient=False)


class SbiTokens(SbiRequests):
    """Access tokens of the probe. One that says something else than the good one, and is taken, is a finding."""

    name = "sbi-token"

    def __init__(self, client: ProducerClient, elsewhere: ProducerClient | None = None) -> None:
        """Begin with a good token, and with its parts spoiled in the ways that are known."""
        super().__init__(client, elsewhere)
        if not self.token:
            raise InconclusiveError("the producer asks for no access token (requires_token, probe.token)")
        if self.ask(b"no-token").status in client.successes:
            raise InconclusiveError("the producer serves whoever has no token at all: look at SBI-TOKEN-01 first")
        good = self.token
        self.corpus = [one.encode() for one in (good, *_spoiled(good))]

    def ask(self, case: bytes) -> HttpAnswer:
        """Present a token; what no header may carry is left out of it (RFC 9110 5.5)."""
        return self.client.probe(_visible(case), injected=True, patient=False)

    def fire(self, cases: Sequence[bytes]) -> tuple[Reaction, Health]:
        """Send cases; then see whether the lab lives, and whether it took a wrong token."""
        reaction, health = super().fire(cases)
        taken = [case for case, status in self.answers if status in self.client.successes]
        for case in taken:
            if health.serves and not any(says_the_same(_visible(case), good) for good in self.given):
                why = "a request with a token that is not the one given out was served"
                return reaction, replace(health, breach=Look(Condition.ACCEPTED, why=why))
        return reaction, health


def _spoiled(good: str) -> list[str]:
    try:
        return [
            jose.unsecured(good),
            jose.stripped(good),
            jose.zero_signature(good),
            jose.tampered_signature(good),
            jose.altered_claims(good, {"exp": 2**33}),
            jose.resigned(good, jose.hmac_signer(b""), header={"alg": "HS256"}),
        ]
    except JoseSyntaxError:
        return [good[:-1], good[::-1]]  # one that is no JWS


def _visible(case: bytes) -> str:
    return "".join(chr(one) for one in case if 0x20 < one < 0x7F)


def says_the_same(token: str, other: str) -> bool:
    """Whether two tokens decode to the same header, claims and signature, read as leniently as any library does.

    Padding, characters outside the alphabet, the other alphabet of base64, spare bits and more parts are form.
    """
    return _decoded(token) == _decoded(other)


def _decoded(token: str) -> list[bytes]:
    parts = re.sub(r"[^A-Za-z0-9_.-]", "", token.replace("+", "-").replace("/", "_")).split(".")[:3]
    found = []
    for part in parts:
        try:
            found.append(b64url_decode(part[: len(part) - (len(part) % 4 == 1)]))
        except JoseSyntaxError:
            found.append(part.encode())
    return found
