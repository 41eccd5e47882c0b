"""The far UE's MSRP endpoint: one TLS port for every session, as RFC 4975 and RFC 8122 (fingerprints) ask for."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import string
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from imsproof.codec.msrp import (
    TLS_PROTO,
    MsrpMessage,
    MsrpSyntaxError,
    MsrpUri,
    parse_path,
    parse_range,
    request,
    response,
)
from imsproof.codec.sdp import MediaSection, Sdp, SdpLine, effective
from imsproof.engine.identity import Identity, fingerprint_matches, make_identity
from imsproof.lab.media.errors import MediaRefusedError
from imsproof.lab.media.msrp.connection import MsrpConnection
from imsproof.lab.media.msrp.tlspipe import TlsPipe, context

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from imsproof.lab.media.msrp.policy import MsrpPolicy
    from imsproof.lab.policy import PolicyBox

PORT, PLAIN_PORT = 2855, 2856
"""For TLS, and for the core's legs of the IMS-AGW."""
MAX_SIZE = 65_536
MAX_SESSIONS = 256
MAX_UNFINISHED = 64
ACCEPTED = ("text/plain", "message/cpim", "multipart/mixed", "multipart/alternative")
SESSION_LETTERS = string.ascii_letters + string.digits
MANY_RESPONSES, MANY_IDLE = 50, 12
TIMES = 4
"""How often success is reported under a planted fault."""


@dataclass(slots=True, eq=False)
class MsrpSession:
    """A message session of a call.

    Attributes:
        call_id: whose it is.
        own: its own URI.
        peer: the path that the peer offered.
        fingerprints: of the peer's certificate.
        tls: whether it was agreed with TLS.
        connection: what it runs on; ``None`` before the first request.
        unfinished: bytes received so far of messages that are not complete, by Message-ID.
    """

    call_id: str
    own: MsrpUri
    peer: str
    fingerprints: tuple[str, ...]
    tls: bool = True
    connection: MsrpConnection | None = None
    unfinished: dict[str, int] = field(default_factory=dict)


class MsrpEndpoint:
    """Message sessions at one address.

    Args:
        address: its IP address.
        box: the lab's policy.
    """

    def __init__(self, address: str, box: PolicyBox) -> None:
        self._address = address
        self._box = box
        self.identity: Identity = make_identity(name="far message")
        self._other: Identity | None = None
        self._sessions: dict[str, MsrpSession] = {}
        self._connections: set[MsrpConnection] = set()
        self._servers: list[asyncio.Server] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._counter = 0
        self._dead = False

    @property
    def policy(self) -> MsrpPolicy:
        """What holds at the moment."""
        return self._box.current.msrp

    async def start(self) -> None:
        """Listen (``OSError`` when the port is taken)."""
        loop = asyncio.get_running_loop()
        self._servers.append(await loop.create_server(self._arrived, self._address, PORT))
        self._servers.append(await loop.create_server(self._arrived_plain, self._address, PLAIN_PORT))

    async def stop(self) -> None:
        """End everything."""
        for server in self._servers:
            server.close()
        self._servers.clear()
        await self.reset()

    async def reset(self) -> None:
        """End every session, and live again."""
        for task in list(self._tasks):
            task.cancel()
        for connection in list(self._connections):
            connection.close()
        self._sessions.clear()
        self._dead = False

    def end(self, call_id: str) -> None:
        """The call is over, and so are its sessions."""
        if self.policy.outlives_call:
            return
        for session in [one for one in self._sessions.values() if one.call_id == call_id]:
            del self._sessions[session.own.session]
            if session.connection is not None and not any(
                other.connection is session.connection for other in self._sessions.values()
            ):
                session.connection.close()

    # Signalling

    def answer(self, call_id: str, offer: Sdp, section: MediaSection) -> MediaSection:
        """Answer an offered message session.

        Raises:
            MediaRefusedError: no path, or no fingerprint that can be used.
        """
        policy = self.policy
        tls = section.proto.upper() == TLS_PROTO
        try:
            peer = parse_path(section.attr("path") or "")
        except MsrpSyntaxError as error:
            raise MediaRefusedError(str(error)) from error
        if len(self._sessions) >= MAX_SESSIONS:
            self._sessions.pop(next(iter(self._sessions)))  # whoever left it standing does not keep others out
        fingerprints = self._fingerprints(offer, section) if tls else ()
        protected = tls and not policy.answers_plain
        scheme, port = ("msrps", PORT) if protected else ("msrp", PLAIN_PORT)
        own = MsrpUri(scheme, self._address, port, self._session_id())
        session = MsrpSession(call_id, own, section.attr("path") or "", fingerprints, protected)
        self._sessions[own.session] = session
        active = (effective(offer, "setup", section) or "active").strip() == "passive"
        if active:
            self._spawn(self._connect(session, (peer[0].host, peer[0].port)))
        return self._section(session, protected=protected, active=active)

    def _section(self, session: MsrpSession, *, protected: bool, active: bool) -> MediaSection:
        proto = TLS_PROTO if protected else "TCP/MSRP"
        section = MediaSection([SdpLine.make("m", f"message {session.own.port} {proto} *")])
        section.add_attr("accept-types", " ".join(ACCEPTED))
        section.add_attr("max-size", str(MAX_SIZE))
        section.add_attr("path", str(session.own))
        section.add_attr("setup", "active" if active else "passive")
        if protected:
            section.add_attr("fingerprint", self._announced().sdp_fingerprint)
        return section

    def _announced(self) -> Identity:
        if not self.policy.announces_other_certificate:
            return self.identity
        self._other = self._other or make_identity(name="another")
        return self._other

    def _fingerprints(self, offer: Sdp, section: MediaSection) -> tuple[str, ...]:
        lines = section.attrs("fingerprint") or offer.session.attrs("fingerprint")
        usable = tuple(
            line for line in lines if line.strip().split(" ", 1)[0].lower() in self.policy.fingerprint_hashes
        )
        if not usable and self.policy.fingerprint_required:
            raise MediaRefusedError("TLS between peers without a fingerprint that can be used")
        return usable

    def _session_id(self) -> str:
        self._counter += 1
        match self.policy.session_ids:
            case "short":
                return "".join(secrets.choice(string.hexdigits.lower()) for _ in range(8))
            case "counter":
                return f"session-of-the-far-ue-{self._counter:08d}"
            case "clock":
                return f"{int(time.time()):x}-far-ue-{self._counter:x}"
            case _:
                return "".join(secrets.choice(SESSION_LETTERS) for _ in range(20))

    # As a client

    async def _connect(self, session: MsrpSession, where: tuple[str, int]) -> None:
        loop = asyncio.get_running_loop()
        with contextlib.suppress(OSError):
            _, connection = await loop.create_connection(lambda: MsrpConnection(self, server=False), *where)
            session.connection = connection
            self._connections.add(connection)

    def _spawn(self, coroutine: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # As the owner of connections

    def pipe(self, *, server: bool) -> TlsPipe:
        """A new end of a TLS connection."""
        return TlsPipe(context(self.policy, self.identity), server=server)

    def _arrived(self) -> MsrpConnection:
        connection = MsrpConnection(self)
        self._connections.add(connection)
        if "idle" in self.policy.dies_of:
            bound = {id(session.connection) for session in self._sessions.values()}
            self._dead |= sum(id(one) not in bound for one in self._connections) > MANY_IDLE
        return connection

    def _arrived_plain(self) -> MsrpConnection:
        connection = self._arrived()
        connection.protected = False
        return connection

    def lost(self, connection: MsrpConnection) -> None:
        """A connection is over: sessions on it may get another one."""
        self._connections.discard(connection)
        for session in self._sessions.values():
            if session.connection is connection:
                session.connection = None

    def secured(self, connection: MsrpConnection) -> None:
        """As a client: hold the server's certificate against the offer, then say whose connection it is."""
        session = next((one for one in self._sessions.values() if one.connection is connection), None)
        if session is None:
            return
        if self.policy.check_fingerprint_as_client and not self._is_peer(session, connection.peer_der):
            connection.close()
            return
        headers = [("Message-ID", secrets.token_hex(8)), ("Byte-Range", "1-0/0")]
        connection.send(request("SEND", secrets.token_hex(8), session.peer, str(session.own), headers))

    def overrun(self, connection: MsrpConnection, reason: str) -> None:
        """What came cannot be read; the connection is closed after this."""
        del connection
        kinds = {"header fields": "head", "a message": "endless"}
        self._suffer(next((kind for begin, kind in kinds.items() if reason.startswith(begin)), ""))

    def _suffer(self, kind: str) -> None:
        self._dead |= kind in self.policy.dies_of

    def _is_peer(self, session: MsrpSession, der: bytes | None) -> bool:
        if der is None:
            return not self.policy.peer_certificate_required
        if not session.fingerprints and not self.policy.fingerprint_required:
            return True
        accepted = session.fingerprints
        if self.policy.fingerprint_of_any_session:
            accepted = tuple(line for one in self._sessions.values() for line in one.fingerprints)
        return any(fingerprint_matches(der, line) for line in accepted)

    def received(self, connection: MsrpConnection, message: MsrpMessage) -> None:
        """Serve a message."""
        if message.status:
            connection.responses += 1
            if connection.responses > MANY_RESPONSES:
                self._suffer("responses")
            if self.policy.answers_responses:
                connection.send(response(message, 481))
            return
        if self._dead:
            return
        status = self._serve(connection, message)
        if status is None:
            return
        if not status:
            connection.close()
            return
        wish = (message.get("Failure-Report") or "yes").lower()
        silent = wish == "no" or (wish == "partial" and status < 300)
        if message.method == "REPORT":
            silent = not self.policy.answers_reports
        if not silent or self.policy.answers_silenced:
            connection.send(response(message, status, "OK" if status < 300 else ""))

    def _serve(self, connection: MsrpConnection, message: MsrpMessage) -> int | None:
        """Return the status of the response; ``None`` for none, 0 to end the connection."""
        session = self._session_of(message)
        if isinstance(session, int):
            return session
        problem = self._bind(connection, session)
        if problem is not None:
            return problem
        if message.method == "REPORT":
            return 200
        if message.method != "SEND":
            return 501 if self.policy.methods_checked else 200
        return self._take(connection, session, message)

    def _session_of(self, message: MsrpMessage) -> MsrpSession | int:
        careless = self.policy.unknown_sessions_served and self._sessions
        try:
            path = parse_path(message.get("To-Path") or "")
        except MsrpSyntaxError:
            self._suffer("malformed")
            return next(reversed(self._sessions.values())) if careless else 400
        if len(path) > 1 and self.policy.relays_onward:
            self._spawn(_tell((path[1].host, path[1].port), message))
            return 200 if path[0].session in self._sessions else 481
        session = self._sessions.get(path[-1].session) if len(path) == 1 else None
        if session is None and careless:
            return next(reversed(self._sessions.values()))
        return session if session is not None else 481

    def _bind(self, connection: MsrpConnection, session: MsrpSession) -> int | None:
        """Give a session its connection; a status when it cannot be this one, 0 to end the connection."""
        if session.connection is connection:
            return None
        if session.tls and not connection.protected and not self.policy.plain_accepted:
            return 481
        shared = any(one.connection is connection for one in self._sessions.values())
        checked = self.policy.check_fingerprint and not (shared and not self.policy.bound_to_connection)
        if checked and connection.protected and not self._is_peer(session, connection.peer_der):
            return 481 if shared else 0
        if session.connection is not None and self.policy.one_connection:
            return 506
        if session.connection is None:
            session.connection = connection
        return None

    def _take(self, connection: MsrpConnection, session: MsrpSession, message: MsrpMessage) -> int:
        """Take a SEND request."""
        policy = self.policy
        size = len(message.body or b"")
        name = message.get("Message-ID") or ""
        problem = _form_problem(message)
        if problem == "range":
            self._suffer("range")
        if problem and policy.fields_checked:
            return 400
        kind = (message.get("Content-Type") or "").split(";")[0].strip().lower()
        if size and kind not in ACCEPTED and policy.types_checked:
            return 415
        so_far = session.unfinished.pop(name, 0) + size
        if policy.size_checked and max(so_far, _total(message)) > MAX_SIZE:
            return 413
        if message.flag == "+":
            session.unfinished[name] = so_far
            if len(session.unfinished) > MAX_UNFINISHED:
                session.unfinished.pop(next(iter(session.unfinished)))
                self._suffer("chunks")
        self._report(connection, session, message, so_far)
        return 200

    def _report(self, connection: MsrpConnection, session: MsrpSession, message: MsrpMessage, size: int) -> None:
        wanted = (message.get("Success-Report") or "no").lower() == "yes" or self.policy.reports_without_asking
        if not wanted or not size or message.flag != "$":
            return
        headers = [
            ("Message-ID", message.get("Message-ID") or ""),
            ("Byte-Range", f"1-{size}/{size}"),
            ("Status", "000 200 OK"),
        ]
        back = message.get("From-Path") or session.peer
        for _ in range(TIMES if self.policy.reports_multiply else 1):
            report = request("REPORT", secrets.token_hex(8), back, str(session.own), headers)
            connection.send(report)
        if self.policy.reports_anywhere and back != session.peer:
            with contextlib.suppress(MsrpSyntaxError):
                first = parse_path(back)[0]
                self._spawn(_tell((first.host, first.port), report))


async def _tell(where: tuple[str, int], message: MsrpMessage) -> None:
    """Connect anywhere and say it, as planted faults have it."""
    with contextlib.suppress(OSError):
        _, writer = await asyncio.open_connection(*where)
        writer.write(message.to_bytes())
        await writer.drain()
        writer.close()


def _form_problem(message: MsrpMessage) -> str:
    """What is wrong with the fields of a SEND request, or ``""``."""
    if not message.get("Message-ID") or message.get("From-Path") is None:
        return "fields"
    if message.body and message.get("Content-Type") is None:
        return "fields"
    text = message.get("Byte-Range")
    if text is None:
        return ""
    try:
        start, end, total = parse_range(text)
    except MsrpSyntaxError:
        return "range"
    beyond = total is not None and (start > total + 1 or (end or 0) > total)
    backwards = end is not None and start > end + 1
    return "range" if start < 1 or backwards or beyond else ""


def _total(message: MsrpMessage) -> int:
    try:
        return parse_range(message.get("Byte-Range") or "")[2] or 0
    except MsrpSyntaxError:
        return 0
