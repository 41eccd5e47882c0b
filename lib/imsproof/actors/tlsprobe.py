"""TLS by hand: hellos of any kind over plain TCP, and what a server answers in clear, with no TLS library between.

Source: RFC 5246, RFC 8446 (record layer and handshake in clear). A probe never finishes a handshake: what counts is
whether the server goes on after what it was shown.
"""

from __future__ import annotations

import asyncio
import base64
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec

from imsproof.codec.tlshello import (
    ALERT,
    APPLICATION_DATA,
    CHANGE_CIPHER_SPEC,
    CLIENT_HELLO,
    CLIENT_KEY_EXCHANGE,
    EXTENSION_NAMES,
    FINISHED,
    HANDSHAKE,
    HANDSHAKE_NAMES,
    SERVER_HELLO,
    SERVER_HELLO_DONE,
    SERVER_KEY_EXCHANGE,
    ClientHello,
    ServerHello,
    TlsSyntaxError,
    alert_name,
    format_extensions,
    groups_extension,
    signatures_extension,
    vector,
    version_name,
)
from imsproof.codec.tlsrecord import Handshake, Record, handshakes, split_records
from imsproof.codec.tlssuites import FINITE_FIELD, GOOD, suite_name
from imsproof.link.session import ConnectionFailedError
from imsproof.link.subject import RawAnswer
from imsproof.link.tcp import TcpStream
from imsproof.seams import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from imsproof.actors.nfrequest import Target
    from imsproof.codec.tlshello import Extension
    from imsproof.link.session import Session

TLS12, TLS13, SSL3 = 0x0303, 0x0304, 0x0300
FALLBACK_SCSV = 0x5600
SECP256R1, SECP384R1, SECP521R1 = 0x0017, 0x0018, 0x0019
OTHER_CURVES = {"secp384r1": SECP384R1, "secp521r1": SECP521R1}
NAMED_CURVE = 3
SIDE_BY_SIDE = 8
"""Conversations of one purpose at the same time."""
ENOUGH = 64 * 1024
RANDOM = bytes(range(32))
"""Not random at all: nothing here is secret, and a run can be repeated octet by octet."""

TOLERABLE = frozenset(
    {
        "a ClientHello with octets after its end",
        "a session id of 33 octets",
        "cipher suites of odd length",
        "supported_groups of odd length",
        "no compression methods",
        "no null compression",
        "an extension twice",
        "an empty ALPN list",
        "an ALPN name of no octets",
        "an empty list of signature algorithms",
        "an empty list of supported versions",
    }
)
"""Flaws of :func:`malformed` that lead nowhere: a server that reads over them (Go's does) is only not strict."""


@dataclass(frozen=True, slots=True)
class Message:
    """What a probe sends: its name in the journal, the octets, and the alerts that fit as an answer (any if empty)."""

    label: str
    data: bytes
    alerts: tuple[str, ...] = ()


class TlsProbe:
    """Shows a server messages and writes down what it answers."""

    def __init__(self, session: Session, target: Target, *, actor: str = "tls-probe") -> None:
        """Aim at a target of the profile."""
        self.session = session
        self.target = target
        self.actor = actor

    def hello(self, label: str, suites: Iterable[int] = tuple(GOOD), **how: Any) -> Message:
        """Make a ClientHello for this target (arguments of :func:`client_hello`)."""
        return Message(label, client_hello(suites, server_name=self.target.fqdn or "", **how))

    def show(self, message: Message) -> RawAnswer:
        """Show one message on a connection of its own."""
        return self.session.run(self._show(message))

    def show_all(self, messages: Sequence[Message]) -> list[RawAnswer]:
        """Show many messages, each on a connection of its own, several at a time; answers are in their order."""
        return self.session.run(self._all(messages))

    async def _all(self, messages: Sequence[Message]) -> list[RawAnswer]:
        turns = asyncio.Semaphore(SIDE_BY_SIDE)

        async def one(message: Message) -> RawAnswer:
            async with turns:
                return await self._show(message)

        return list(await asyncio.gather(*(one(message) for message in messages)))

    async def _show(self, message: Message) -> RawAnswer:
        session = self.session
        exchange = session.exchange(message.label)
        answer = RawAnswer(record=session.record, exchange=exchange)
        remote = (self.target.url.host, self.target.url.port)
        try:
            stream = await TcpStream.open(session, self.actor, exchange, remote, quiet=True)
        except ConnectionFailedError as error:
            answer.failed = str(error)
            return answer
        try:
            self._emit(stream, Kind.SENT, message.data, {"injected": True})
            await stream.send(message.data)
            data = await self._read(stream)
        except ConnectionFailedError as error:
            answer.failed, data = str(error), b""
        if data:
            answer.data = (data,)
            facts = server_facts(data)
            self._emit(stream, Kind.RECEIVED, data, {"tls": facts})
            for name, level in facts.get("alerts", []):
                self._emit(stream, Kind.ALERT, b"", {"alert": name, "level": level})
        elif not stream.ended:
            self._emit(stream, Kind.TIMEOUT, b"", {"reason": f"nothing within {session.timers.silence} s"})
        await stream.aclose()
        return answer

    async def _read(self, stream: TcpStream) -> bytes:
        """Read until the server's flight is complete, it closes, or it is silent."""
        data = b""
        deadline = time.monotonic() + self.session.timers.silence
        while len(data) < ENOUGH and not flight_is_complete(data):
            piece = await stream.receive(max(0.0, deadline - time.monotonic()))
            if not piece:
                break
            data += piece
        return data

    def _emit(self, stream: TcpStream, kind: Kind, data: bytes, facts: Mapping[str, Any]) -> None:
        self.session.emit(
            kind,
            self.actor,
            stream.exchange,
            transport="tls",
            local=stream.local,
            remote=stream.remote,
            data=data,
            facts=facts,
        )


def client_hello(
    suites: Iterable[int],
    *,
    server_name: str = "",
    version: int = TLS12,
    record_version: int = 0x0301,
    compressions: tuple[int, ...] = (0,),
    groups: tuple[int, ...] = (0x001D, SECP256R1, SECP384R1, SECP521R1),
    alpn: tuple[str, ...] = ("h2", "http/1.1"),
    extra: Sequence[Extension] = (),
) -> bytes:
    """Return the record of a ClientHello of TLS 1.2 or older, whole and well formed."""
    hello = ClientHello(
        version, RANDOM, tuple(suites), (*extensions(server_name, groups, alpn), *extra), compressions=compressions
    )
    return record(Handshake(CLIENT_HELLO, hello.to_bytes()).to_bytes(), record_version)


def other_curve(facts: Mapping[str, Any]) -> int | None:
    """The group of a server's EC certificate, by the facts of a handshake, where it is another than secp256r1."""
    try:
        key = x509.load_der_x509_certificate(base64.b64decode(facts.get("peer_certificate", ""))).public_key()
    except (ValueError, UnsupportedAlgorithm):
        return None
    return OTHER_CURVES.get(key.curve.name) if isinstance(key, ec.EllipticCurvePublicKey) else None


def extensions(server_name: str, groups: tuple[int, ...], alpn: tuple[str, ...]) -> tuple[Extension, ...]:
    """Return the extensions of an ordinary client of TLS 1.2."""
    found: list[Extension] = []
    if server_name:
        found.append((0, vector(2, b"\x00" + vector(2, server_name.encode("idna")))))
    found += [
        (0xFF01, b"\x00"),
        groups_extension(groups),
        (11, b"\x01\x00"),
        signatures_extension((0x0403, 0x0503, 0x0603, 0x0804, 0x0401, 0x0501, 0x0807, 0x0808, 0x0203, 0x0201)),
        (23, b""),
    ]
    if alpn:
        found.append((16, vector(2, b"".join(vector(1, name.encode("ascii")) for name in alpn))))
    return tuple(found)


def record(fragment: bytes, version: int = 0x0301, kind: int = HANDSHAKE) -> bytes:
    """Return one record."""
    return Record(kind, fragment, version).to_bytes()


def server_facts(stream: bytes) -> dict[str, Any]:
    """Return what a server said in clear, as plain JSON; odd octets give what could be read before them.

    Keys: ``records`` (types), ``messages`` (names), ``alerts`` (name and level), and of a ServerHello ``version``,
    ``suite``, ``compression``, ``extensions``, ``random`` (hexadecimal), and of a ServerKeyExchange ``group``, or
    ``field_bits`` where the field is finite.
    """
    records, rest = split_records(stream)
    facts: dict[str, Any] = {"records": [one.content_type for one in records], "rest": len(rest)}
    joined = b""
    alerts = []
    for one in records:
        if one.content_type == HANDSHAKE:
            joined += one.fragment
        elif one.content_type == ALERT and len(one.fragment) == 2:
            alerts.append([alert_name(one.fragment[1]), "fatal" if one.fragment[0] == 2 else "warning"])
        elif one.content_type not in {ALERT, CHANGE_CIPHER_SPEC, APPLICATION_DATA}:
            facts["strange"] = one.content_type
    messages, _ = handshakes(joined)
    facts["messages"] = [HANDSHAKE_NAMES.get(one.message_type, str(one.message_type)) for one in messages]
    facts["alerts"] = alerts
    for message in messages:
        if message.message_type == SERVER_HELLO and "suite" not in facts:
            facts |= _hello_facts(message.body)
        elif message.message_type == SERVER_KEY_EXCHANGE and facts.get("suite") in FINITE_FIELD.values():
            prime = message.body[2 : 2 + int.from_bytes(message.body[:2], "big")]
            facts["field_bits"] = int.from_bytes(prime, "big").bit_length()
        elif message.message_type == SERVER_KEY_EXCHANGE and message.body[:1] == bytes((NAMED_CURVE,)):
            facts["group"] = int.from_bytes(message.body[1:3], "big")
    return facts


def _hello_facts(body: bytes) -> dict[str, Any]:
    try:
        hello = ServerHello.parse(body)
    except TlsSyntaxError as error:
        return {"unreadable": str(error)}
    return {
        "version": version_name(hello.selected_version),
        "suite": suite_name(hello.suite),
        "compression": hello.compression,
        "extensions": [EXTENSION_NAMES.get(kind, str(kind)) for kind, _ in hello.extensions or ()],
        "random": hello.random.hex(),
    }


def flight_is_complete(stream: bytes) -> bool:
    """Whether a server has said all that it says before it waits: an alert, ServerHelloDone, or encrypted records."""
    records, _ = split_records(stream)
    if any(one.content_type in {ALERT, CHANGE_CIPHER_SPEC, APPLICATION_DATA} for one in records):
        return True
    joined = b"".join(one.fragment for one in records if one.content_type == HANDSHAKE)
    return any(one.message_type == SERVER_HELLO_DONE for one in handshakes(joined)[0])


def malformed(server_name: str) -> list[Message]:
    """Return first messages that no TLS server may go on after (RFC 5246 and RFC 8446), one flaw each."""
    good = ClientHello(TLS12, RANDOM, tuple(GOOD), extensions(server_name, (SECP256R1, SECP384R1), ("h2",)))
    body = good.to_bytes()
    fixed = 2 + 32
    block = vector(2, format_extensions(good.extensions or ()))

    def hello(text: bytes, length: int | None = None) -> bytes:
        return record(Handshake(CLIENT_HELLO, text, length).to_bytes())

    def with_suites(suites: bytes) -> bytes:
        usual = vector(2, b"".join(number.to_bytes(2, "big") for number in GOOD))
        return hello(body[: fixed + 1] + suites + body[fixed + 1 + len(usual) :])

    def extended(*more: Extension, without: int = -1) -> bytes:
        kept = tuple(one for one in good.extensions or () if one[0] != without)
        return hello(ClientHello(TLS12, RANDOM, tuple(GOOD), (*kept, *more)).to_bytes())

    whole = hello(body)
    fragment = whole[5:]
    syntax = ("decode_error", "illegal_parameter", "handshake_failure", "protocol_version")
    order = ("unexpected_message",)
    return [
        Message("a record of an unknown type", Record(0x40, fragment, 0x0301).to_bytes(), order),
        Message(
            "a record longer than 2^14 octets",
            Record(HANDSHAKE, fragment, 0x0301, 0xFFFF).to_bytes(),
            ("record_overflow", "decode_error", "unexpected_message", "illegal_parameter"),
        ),
        Message(
            "a record of an unknown version",
            Record(HANDSHAKE, fragment, 0x7F7F).to_bytes(),
            ("protocol_version", "decode_error", "illegal_parameter", "unexpected_message"),
        ),
        Message("an unknown handshake message", record(Handshake(0x63, body).to_bytes()), order),
        Message("application data first", record(b"GET / HTTP/1.1\r\n\r\n", kind=APPLICATION_DATA), order),
        Message("Finished first", record(Handshake(FINISHED, bytes(12)).to_bytes()), order),
        Message("ClientKeyExchange first", record(Handshake(CLIENT_KEY_EXCHANGE, bytes(66)).to_bytes()), order),
        Message(
            "application data inside a ClientHello",
            record(fragment[:40]) + record(b"x", kind=APPLICATION_DATA) + record(fragment[40:]),
            order,
        ),
        Message("a ClientHello that ends early", hello(body[:30]), syntax),
        Message("a ClientHello with octets after its end", hello(body + b"\x00\x01\x02"), syntax),
        Message("a session id of 33 octets", hello(body[:fixed] + vector(1, bytes(33)) + body[fixed + 1 :]), syntax),
        Message("cipher suites of odd length", with_suites(vector(2, b"\xc0\x2b\xc0")), syntax),
        Message("no cipher suites", with_suites(vector(2, b"")), syntax),
        Message("cipher suites longer than the message", with_suites(b"\xff\xfe\xc0\x2b"), syntax),
        Message(
            "no compression methods",
            hello(ClientHello(TLS12, RANDOM, tuple(GOOD), good.extensions, compressions=()).to_bytes()),
            syntax,
        ),
        Message(
            "no null compression",
            hello(ClientHello(TLS12, RANDOM, tuple(GOOD), good.extensions, compressions=(1,)).to_bytes()),
            syntax,
        ),
        Message("extensions longer than the message", hello(body[: -len(block)] + b"\x7f\xff" + block[2:]), syntax),
        Message("an extension twice", extended((10, vector(2, b"\x00\x17"))), syntax),
        Message("supported_groups of odd length", extended((10, b"\x00\x03\x00\x17\x00"), without=10), syntax),
        Message("an empty ALPN list", extended((16, b"\x00\x00"), without=16), (*syntax, "no_application_protocol")),
        Message(
            "an ALPN name of no octets",
            extended((16, b"\x00\x01\x00"), without=16),
            (*syntax, "no_application_protocol"),
        ),
        Message("an empty list of signature algorithms", extended((13, b"\x00\x00"), without=13), syntax),
        Message(
            "a server name longer than its list", extended((0, b"\x00\x05\x00\x00\xff\x61\x62"), without=0), syntax
        ),
        Message("an empty list of supported versions", extended((43, b"\x00")), syntax),
    ]
