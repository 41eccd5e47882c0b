"""Flaws of TLS servers that no library has any more: a ServerHello made by hand, where a fault asks for it.

Only the flaw is played: the handshake goes no further than a hello that a right server would not have sent.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from imsproof.codec.tlshello import (
    CLIENT_HELLO,
    HANDSHAKE,
    SERVER_HELLO,
    SERVER_HELLO_DONE,
    SERVER_KEY_EXCHANGE,
    ClientHello,
    ServerHello,
    TlsSyntaxError,
    vector,
)
from imsproof.codec.tlsrecord import Handshake, Record, handshakes, split_records
from imsproof.codec.tlssuites import CLASSES, FINITE_FIELD, GOOD

if TYPE_CHECKING:
    from collections.abc import Collection

SUPPORTED_VERSIONS, SUPPORTED_GROUPS, RENEGOTIATION_INFO, MASTER_SECRET = 43, 10, 0xFF01, 23
FALLBACK_SCSV, SSL3 = 0x5600, 0x0300
SMALL_FIELD, SMALL_CURVE = 1024, b"\x00\x13"
"""Bits of a finite field, and the number of secp192r1."""
MARK = bytes.fromhex("444f574e47524401")


def flawed_answer(data: bytes, flaws: Collection[str]) -> bytes | None:
    """Return what a server with these flaws answers to a client's first octets; ``None`` where it has none of them.

    Flaws: names of :data:`imsproof.codec.tlssuites.CLASSES`, and ``sslv3``, ``compression``, ``renegotiation``,
    ``master-secret``, ``fallback``, ``mark``, ``small field``, ``small curve`` and ``malformed``. Hellos for TLS 1.3
    are left to the library.
    """
    try:
        hello = _client_hello(data)
    except TlsSyntaxError:
        return _answer(0x0303, next(iter(GOOD))) if "malformed" in flaws else None
    if hello.extension(SUPPORTED_VERSIONS) is not None:
        return None
    if hello.version == SSL3:
        return _answer(SSL3, 0x000A) if "sslv3" in flaws else None
    field = next((suite for suite in hello.suites if suite in FINITE_FIELD), None)
    good = next((suite for suite in hello.suites if suite in GOOD), None)
    if "small field" in flaws and good is None and field is not None:
        return _answer(hello.version, field, exchange=_small_field())
    if "small curve" in flaws and good is not None and SMALL_CURVE in (hello.extension(SUPPORTED_GROUPS) or b""):
        return _answer(hello.version, good, exchange=_small_curve())
    return _weak(hello, flaws) if good is None else _loose(hello, flaws, good)


def _weak(hello: ClientHello, flaws: Collection[str]) -> bytes | None:
    """Choose a forbidden suite of a class that is among the flaws, where nothing better is offered."""
    weak = {suite for name in flaws for suite in CLASSES.get(name, {})}
    chosen = next((suite for suite in hello.suites if suite in weak), None)
    return None if chosen is None else _answer(hello.version, chosen)


def _loose(hello: ClientHello, flaws: Collection[str], good: int) -> bytes | None:
    """Choose a good suite, in a hello that lacks something or should not have been."""
    if "compression" in flaws and 1 in hello.compressions:
        return _answer(hello.version, good, compression=1)
    if "fallback" in flaws and FALLBACK_SCSV in hello.suites:
        return _answer(hello.version, good)
    lacking = {"renegotiation": (MASTER_SECRET,), "master-secret": (RENEGOTIATION_INFO,)}
    for flaw, left in lacking.items():
        if flaw in flaws:
            return _answer(hello.version, good, extensions=left)
    return _answer(hello.version, good, mark=b"") if "mark" in flaws else None


def _small_field() -> bytes:
    """A ServerKeyExchange in a field of 1024 bits; its prime and its signature are none, which nobody comes to see."""
    prime = (1 << SMALL_FIELD) - 1
    numbers = (prime, 2, prime >> 1)
    parts = [vector(2, number.to_bytes((number.bit_length() + 7) // 8, "big")) for number in numbers]
    return Handshake(SERVER_KEY_EXCHANGE, b"".join(parts) + b"\x04\x01" + vector(2, bytes(256))).to_bytes()


def _small_curve() -> bytes:
    """A ServerKeyExchange on secp192r1, whose point and signature are none."""
    return Handshake(SERVER_KEY_EXCHANGE, b"\x03" + SMALL_CURVE + vector(1, bytes(49)) + vector(2, b"")).to_bytes()


def _client_hello(data: bytes) -> ClientHello:
    records, rest = split_records(data)
    if rest or any(one.content_type != HANDSHAKE for one in records):
        raise TlsSyntaxError("not handshake records alone")
    messages, left = handshakes(b"".join(one.fragment for one in records))
    if left or len(messages) != 1 or messages[0].message_type != CLIENT_HELLO:
        raise TlsSyntaxError("not a ClientHello alone")
    return ClientHello.parse(messages[0].body, dtls=False)


def _answer(
    version: int,
    suite: int,
    *,
    compression: int = 0,
    extensions: tuple[int, ...] = (RENEGOTIATION_INFO, MASTER_SECRET),
    mark: bytes = MARK,
    exchange: bytes = b"",
) -> bytes:
    contents = {RENEGOTIATION_INFO: b"\x00"}
    random = os.urandom(32)[: 32 - len(mark)] + mark
    hello = ServerHello(
        version, random, b"", suite, compression, tuple((kind, contents.get(kind, b"")) for kind in extensions)
    )
    text = (
        Handshake(SERVER_HELLO, hello.to_bytes()).to_bytes() + exchange + Handshake(SERVER_HELLO_DONE, b"").to_bytes()
    )
    return Record(HANDSHAKE, text, version).to_bytes()
