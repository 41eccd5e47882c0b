"""The MSRP peer: offers message sessions, connects to where the answer says, and sends requests, right or wrong.

Each request is a conversation of its own, on the connection's; what else arrives while its answer is awaited (reports,
requests of the lab, answers to other transactions) stands in it as well, with facts that keep it apart.
"""

from __future__ import annotations

import contextlib
import ipaddress
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives import serialization

from imsproof.actors.signalling import ended
from imsproof.codec.msrp import (
    TCP_PROTO,
    TLS_PROTO,
    MsrpMessage,
    MsrpReader,
    MsrpSyntaxError,
    MsrpUri,
    parse_path,
    request,
    response,
)
from imsproof.codec.sdp import Fingerprint, MediaSection, SdpLine, description
from imsproof.engine.identity import Identity, fingerprint, make_identity
from imsproof.link.session import ConnectionFailedError
from imsproof.link.subject import Attempt, Exchange
from imsproof.link.tcp import TcpStream
from imsproof.link.tls import TlsOptions, TlsStream
from imsproof.seams import Address, InconclusiveError, Kind, Record

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Sequence

    from imsproof.actors.signalling import Answered, Signalling
    from imsproof.link.session import Session
    from imsproof.profile.msrp import Msrp

DISCARD = 9
"""The port of an offer whose owner does not listen (RFC 6135 section 4.2.1)."""


@dataclass(slots=True, kw_only=True)
class MsrpAnswer(Exchange):
    """One request with what came back; ``status`` is 0 without a response."""

    status: int = 0


def key_pem(identity: Identity) -> bytes:
    """An identity's private key as PEM, for the link."""
    return identity.key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


class MsrpPeer:
    """The tester as one end of message sessions.

    Args:
        session: the purpose's session.
        signalling: makes a way to hand an offer over; each message session is a call of its own.
        random: seeded; ids come from it.
        settings: the profile's, or the defaults.
        actor: the name in the journal.
    """

    def __init__(
        self,
        session: Session,
        signalling: Callable[[], Signalling],
        random: random.Random,
        settings: Msrp,
        *,
        actor: str = "ue-a",
    ) -> None:
        self.session = session
        self.random = random
        self.settings = settings
        self.actor = actor
        self.identity = make_identity()
        self._signalling = signalling

    @property
    def address(self) -> str:
        """The tester's IP address that the lab can reach."""
        return self._signalling().local_address

    def another(self) -> MsrpPeer:
        """Another user with a certificate of its own, who reaches the lab in the same way."""
        return MsrpPeer(self.session, self._signalling, self.random, self.settings, actor=f"{self.actor}, another")

    def token(self, octets: int = 8) -> str:
        """A fresh id in hexadecimal."""
        return self.random.randbytes(octets).hex()

    def offer(
        self,
        label: str,
        *,
        fingerprints: Sequence[Fingerprint] | None = None,
        proto: str = "",
        setup: str = "active",
        port: int = DISCARD,
        attributes: Sequence[str] = (),
    ) -> MsrpCall:
        """Offer a message session (RFC 4975 clause 8) and read the answer.

        Args:
            label: of the conversation.
            fingerprints: ``a=fingerprint`` lines; the own certificate's when ``None``.
            proto: of the media line; by the profile when empty.
            setup: ``active``, ``passive`` or ``actpass`` (RFC 6135).
            port: where the tester listens.
            attributes: further ``a=`` lines.
        """
        signalling = self._signalling()
        proto = proto or (TLS_PROTO if self.settings.tls else TCP_PROTO)
        tls = proto == TLS_PROTO
        address = signalling.local_address
        own = MsrpUri("msrps" if tls else "msrp", address, port, self.token(10))
        section = MediaSection([SdpLine.make("m", f"message {port} {proto} *")])
        section.add_attr("accept-types", "text/plain message/cpim multipart/mixed")
        section.add_attr("path", str(own))
        section.add_attr("setup", setup)
        shown = [Fingerprint("SHA-256", self.identity.sha256)] if fingerprints is None else fingerprints
        for line in shown if tls else ():
            section.add_attr("fingerprint", str(line))
        for attribute in (*(("3ge2ae:requested", "msrp-cema") if self.settings.e2ae else ()), *attributes):
            section.lines.append(SdpLine.make("a", attribute))
        answered = signalling.offer(description(address, [section]), label)
        return MsrpCall(self, signalling, own, answered)

    def fingerprint(self, hash_name: str) -> Fingerprint:
        """The own certificate's fingerprint with another hash function."""
        return Fingerprint(hash_name, fingerprint(self.identity.der, hash_name))


class MsrpCall:
    """One offered message session; a subject that is about the signalling.

    Attributes:
        own: the tester's URI.
        path: the path that the answer gives, ``()`` without one.
        to_path: the same as the lab wrote it, for requests to the lab.
        max_size: what the answer says of messages' size in bytes, or ``None``.
        accept_types: types of content that the answer names.
    """

    def __init__(self, peer: MsrpPeer, signalling: Signalling, own: MsrpUri, answered: Answered) -> None:
        self.peer = peer
        self.own = own
        self.answered = answered
        self.path: tuple[MsrpUri, ...] = ()
        self.to_path = ""
        self.max_size: int | None = None
        self.accept_types: tuple[str, ...] = ()
        self.protected = False
        self._signalling = signalling
        self._address: Address | None = None
        sdp = answered.sdp
        section = next((one for one in sdp.media if one.kind == "message" and one.port > 0), None) if sdp else None
        if sdp is None or section is None:
            return
        with contextlib.suppress(MsrpSyntaxError):
            self.path = parse_path(section.attr("path") or "")
            self.to_path = " ".join((section.attr("path") or "").split())
        size = section.attr("max-size") or ""
        self.max_size = int(size) if size.isdecimal() and len(size) < 16 else None
        self.accept_types = tuple((section.attr("accept-types") or "").lower().split())
        self.protected = section.proto.upper() == TLS_PROTO
        self._address = self._where(sdp.address(section) or "", section)

    def _where(self, address: str, section: MediaSection) -> Address | None:
        """Where to connect to: what the path says, or the media line where a middlebox asks for that (RFC 6714)."""
        first = self.path[0] if self.path else None
        if first is None or section.attr("msrp-cema") is not None or section.attr("3ge2ae") is not None:
            return (address, section.port) if address else None
        try:
            ipaddress.ip_address(first.host)
        except ValueError:
            return (address, section.port) if address else None
        return (first.host, first.port or section.port)

    @property
    def record(self) -> Record:
        """The record that the signalling is part of."""
        return self.answered.record

    @property
    def exchange(self) -> str:
        """The signalling's conversation."""
        return self.answered.exchange

    @property
    def accept(self) -> tuple[int, ...] | None:
        """Every 2xx counts."""
        return None

    @property
    def given(self) -> bool:
        """Whether the lab gave a session that can be used."""
        return bool(self.path) and self._address is not None

    def accepts(self, kind: str) -> bool:
        """Whether the answer says that content of this type is taken."""
        main = kind.partition("/")[0]
        return bool({kind, f"{main}/*", "*"} & set(self.accept_types))

    @property
    def where(self) -> Address:
        """Where the lab takes the connection (``InconclusiveError`` when it gave no session)."""
        if not self.path or self._address is None:
            why = self.answered.failed or "its answer holds no message session that was accepted"
            raise InconclusiveError(f"the lab gave no message session: {why}")
        return self._address

    def path_to(self, session: str) -> str:
        """The path of requests to another session of the lab than this one."""
        before, _, after = self.to_path.rpartition(f"/{self.path[-1].session}")
        return f"{before}/{session}{after}"

    def connect(
        self,
        label: str,
        *,
        identity: Identity | None = None,
        bare: bool = False,
        plain: bool = False,
        source: str = "",
        **changes: Any,
    ) -> MsrpConnection:
        """Connect.

        Args:
            label: of the connection's conversation.
            identity: the certificate to show; the one that was announced when ``None``.
            bare: show none.
            plain: no TLS at all.
            source: the tester's IP address to come from, where it has several.
            changes: fields of :class:`imsproof.link.tls.TlsOptions`.
        """
        shown = identity or self.peer.identity
        tls = self.peer.settings.tls and not plain
        cert: dict[str, Any] = {} if bare else {"certificate": shown.pem, "key": key_pem(shown)}
        options = TlsOptions(**cert, **changes)
        return self.peer.session.run(open_connection(self, label, options if tls else None, source))

    def end(self) -> None:
        """End the call."""
        self._signalling.end()

    def hang_up(self) -> None:
        """End the call, which the lab must learn (``InconclusiveError`` when it could not be told)."""
        ended(self._signalling)


@dataclass(slots=True, kw_only=True)
class MsrpConnection(Attempt):
    """A connection of a message session; a subject that is about its set-up.

    Attributes:
        call: the session that it was opened for.
        stream: what it runs on; ``None`` when it did not come up.
    """

    call: MsrpCall
    stream: TlsStream | TcpStream | None = None
    reader: MsrpReader = field(default_factory=MsrpReader)

    @property
    def session(self) -> Session:
        """The purpose's session."""
        return self.call.peer.session

    def message(
        self, text: str = "", *, of: MsrpCall | None = None, method: str = "SEND", **fields: str
    ) -> MsrpMessage:
        """A well-formed request with text as its content, or without any.

        Args:
            text: the content.
            of: the session that it is for; the one of the connection when ``None``.
            method: SEND or another.
            fields: further header fields, by their names with ``_`` for ``-``.
        """
        call, peer = of or self.call, self.call.peer
        body = text.encode() if text else None
        size = len(body or b"")
        headers = [("Message-ID", peer.token()), ("Byte-Range", f"1-{size}/{size}")]
        headers += [(name.replace("_", "-"), value) for name, value in fields.items()]
        if body is not None:
            headers.append(("Content-Type", peer.settings.content_type))
        return request(method, peer.token(), call.to_path, str(call.own), headers, body)

    def send(self, label: str, text: str = "a message", *, injected: bool = False, **more: Any) -> MsrpAnswer:
        """Send text as one message (see :meth:`message`) and wait for its response."""
        return self.ask(label, self.message(text, **more), injected=injected)

    def ask(
        self, label: str, message: MsrpMessage, *, injected: bool = False, within: float | None = None
    ) -> MsrpAnswer:
        """Send a request and wait for the response to its transaction."""
        return self.tell(label, message.to_bytes(), message, injected=injected, within=within)

    def tell(
        self, label: str, data: bytes, message: MsrpMessage, *, injected: bool = True, within: float | None = None
    ) -> MsrpAnswer:
        """Send any bytes and wait for the response to the transaction of ``message``."""
        if self.stream is None:
            return MsrpAnswer(record=self.record, exchange=self.exchange, failed=self.failed)
        return self.session.run(self._tell(label, data, message, injected=injected, within=within))

    def say(self, label: str, data: bytes, *, injected: bool = True) -> MsrpAnswer:
        """Send any bytes and wait for nothing."""
        if self.stream is None:
            return MsrpAnswer(record=self.record, exchange=self.exchange, failed=self.failed)
        return self.session.run(self._tell(label, data, None, injected=injected, within=0))

    def wait_end(self, label: str) -> MsrpAnswer:
        """Give the lab time to end the connection (``timers.silence``): it may learn of a call's end a little later."""
        answer = MsrpAnswer(record=self.record, exchange=self.session.exchange(label))
        if self.stream is not None:
            self.session.run(self._read(answer, None, self.session.timers.silence))
        return answer

    def close(self) -> None:
        """End the connection."""
        if self.stream is not None:
            self.session.run(self.stream.aclose())

    # Inside, on the link's loop

    async def _tell(
        self, label: str, data: bytes, message: MsrpMessage | None, *, injected: bool, within: float | None
    ) -> MsrpAnswer:
        assert self.stream is not None
        answer = MsrpAnswer(record=self.record, exchange=self.session.exchange(label))
        facts: dict[str, Any] = {"injected": True} if injected else {}
        if message is not None:
            facts |= {"msrp": "request", "method": message.method, "transaction": message.transaction}
        self._emit(Kind.SENT, answer.exchange, facts, data)
        seconds = self.session.timers.answer if within is None else within
        try:
            await self.stream.send(data)
        except ConnectionFailedError as error:
            await self._read(answer, message, 0.0)
            self._closed(answer, str(error))
            return answer
        if message is not None:
            await self._read(answer, message, seconds)
        return answer

    async def _read(self, answer: MsrpAnswer, asked: MsrpMessage | None, within: float) -> None:
        assert self.stream is not None
        deadline = time.monotonic() + within
        while not answer.status and not answer.failed:
            left = deadline - time.monotonic()
            data = await self.stream.receive(max(0.0, left))
            if data is None:
                if left <= 0:
                    answer.failed = f"no response within {within:.1f} s"
                    self._emit(Kind.TIMEOUT, answer.exchange, {"reason": answer.failed})
                continue
            if not data:
                self._closed(answer, self.stream.ended or "closed")
                return
            await self._take(answer, asked, data)

    async def _take(self, answer: MsrpAnswer, asked: MsrpMessage | None, data: bytes) -> None:
        try:
            messages = self.reader.feed(data)
        except MsrpSyntaxError as error:
            answer.failed = f"what the lab sends is not MSRP: {error}"
            self._emit(Kind.RECEIVED, answer.exchange, {"unreadable": str(error)}, data)
            return
        for message in messages:
            facts: dict[str, Any] = {"transaction": message.transaction}
            if message.status:
                own = asked is not None and message.transaction == asked.transaction and not answer.status
                facts |= {"msrp": "response", ("status" if own else "other_status"): message.status}
                answer.status = message.status if own else answer.status
            else:
                facts |= {"msrp": "request", "method": message.method, "message_id": message.get("Message-ID") or ""}
                if message.method == "REPORT":
                    facts["report"] = message.get("Status") or ""
            self._emit(Kind.RECEIVED, answer.exchange, facts, message.to_bytes())
            if message.method == "SEND" and (message.get("Failure-Report") or "yes").lower() != "no":
                await self._reply(answer, message)

    async def _reply(self, answer: MsrpAnswer, message: MsrpMessage) -> None:
        assert self.stream is not None
        data = response(message, 200, "OK").to_bytes()
        self._emit(Kind.SENT, answer.exchange, {"msrp": "response", "transaction": message.transaction}, data)
        with contextlib.suppress(ConnectionFailedError):
            await self.stream.send(data)

    def _closed(self, answer: MsrpAnswer, reason: str) -> None:
        answer.failed = answer.failed or reason
        self._emit(Kind.CLOSED, answer.exchange, {"reason": reason, "by": "lab"})

    def _emit(self, kind: Kind, exchange: str, facts: dict[str, Any], data: bytes = b"") -> None:
        assert self.stream is not None
        tcp = self.stream.tcp if isinstance(self.stream, TlsStream) else self.stream
        self.session.emit(
            kind,
            self.call.peer.actor,
            exchange,
            transport="tls" if isinstance(self.stream, TlsStream) else "tcp",
            local=tcp.local,
            remote=tcp.remote,
            data=data,
            facts=facts,
        )


async def open_connection(call: MsrpCall, label: str, options: TlsOptions | None, source: str = "") -> MsrpConnection:
    """Connect to where the answer says, with TLS or without."""
    session, actor, local = call.peer.session, call.peer.actor, (source, 0) if source else None
    made = MsrpConnection(record=session.record, exchange=session.exchange(label), call=call)
    try:
        if options is None:
            made.stream = await TcpStream.open(session, actor, made.exchange, call.where, local=local, quiet=True)
        else:
            made.stream = await TlsStream.open(
                session, actor, made.exchange, call.where, options, local=local, quiet=True
            )
            made.facts = made.stream.facts
    except ConnectionFailedError as error:
        made.failed = str(error)
        return made
    made.connected = True
    return made
