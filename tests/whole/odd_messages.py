"""Message endpoints (MSRP) that are not ours, right in every allowed way, or wrong in one: ``odd_messages.py HOST``.

They share no code with the harness. All are in one process, which prints the port of its hook: ``POST
/TRAIT[+TRAIT...]/CALL`` with an offer makes a session, ``DELETE`` ends it. :data:`RIGHT` names liberties that RFC 4975
leaves, :data:`WRONG` names flaws.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import re
import secrets
import socket
import sys
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from OpenSSL import SSL
from tests.whole.odd_hook import OfferHook, serve

RIGHT = {
    "none": "nothing unusual",
    "silent": "requests that are refused get no response",
    "closes": "requests that are refused end the connection",
    "late": "types are refused in a report, behind a 200 (RFC 4975 7.1.4)",
    "newest": "TLS 1.3 alone, an RSA certificate, a fingerprint in small letters",
    "chatty": "messages of its own, of either kind, at any time",
    "oldest": "TLS 1.2 alone",
    "forbids": "403 to whatever is refused",
    "terse": "responses without a comment",
    "wordy": "responses with a long comment and fields that nobody knows",
    "bytes": "writes octet by octet",
    "slow": "answers after a third of a second",
    "named": "its path has a host name",
    "user": "its path has a user and a parameter",
    "elsewhere": "the port of its media line is not that of its path",
    "long-sdp": "an answer with all that may stand in one, and LF alone",
    "session-level": "fingerprint and role at the session's level",
    "many-prints": "several fingerprints of several hashes and certificates",
    "no-setup": "an answer without a=setup",
    "cema": "an answer for middleboxes (RFC 6714)",
    "relayed": "behind a relay: its path has two hops",
    "small-messages": "a=max-size:2000, and 413 beyond",
    "impatient": "ends a connection over which nothing comes for half a second",
    "few-connections": "no more than eight connections of one address",
    "closes-on-bye": "ends the connections of a session with its call",
    "stops-huge": "413 in the middle of what is too long, then the end",
    "all-types": "a=accept-types:*",
    "silent-client": "where it connects, it waits for the other side to speak",
    "never-connects": "an offer that it would have to connect to is refused",
    "checks-late": "looks at certificates when the first request comes",
    "reports-late": "reports come a while later",
    "tcp": "without TLS (``msrp.tls: false``)",
    "keep-alive": "empty SENDs all the time",
}
WRONG = {
    "any-certificate": "certificates are not looked at",
    "any-session": "To-Path is not looked at",
    "after-bye": "sessions never end",
    "print-start": "fingerprints are compared in their first four octets",
    "print-as-server": "certificates are looked at by the server alone",
    "print-of-any": "a certificate of any session opens each",
    "needs-none": "who shows no certificate is not asked for one",
    "sniffs-tls": "bare TCP is served at the TLS port",
    "answers-tcp": "TLS is offered, TCP/MSRP answered",
    "answers-msrp": "TLS is offered, a path of msrp answered",
    "other-print": "its fingerprint is another certificate's",
    "no-print": "its answer has no fingerprint",
    "id-start": "sessions are known by the first four letters of their ids",
    "id-contains": "a To-Path that contains a session's id anywhere will do",
    "id-empty": "a To-Path without an id is the last session's",
    "short-ids": "ids of 40 bits",
    "time-ids": "ids made of the time",
    "serial-ids": "ids that are counted behind a long name",
    "takes-over": "a second connection takes the session over",
    "follows-from": "reports go to where the From-Path says",
    "any-method": "unknown methods are answered with 200",
    "any-type": "any type is taken",
    "ends-anywhere": "any end-line ends a message",
    "answers-all": "who wants no response gets one",
    "answers-reports": "REPORTs are answered",
    "reports-all": "success is reported though nobody asked",
    "reports-thrice": "success is reported three times",
    "dies-of-no-path": "a request without To-Path ends it",
    "dies-of-noise": "what is no MSRP ends it",
    "dies-of-range": "a negative size ends it",
    "hangs-on-chunk": "a message that begins blocks every session until it ends",
    "echoes": "answers to responses",
    "old-tls": "TLS 1.0",
    "null-suites": "suites without encryption",
}
LIMIT = 300_000
OWN = re.compile(rb"MSRP (\S+) ([A-Z]+|\d{3})[^\r\n]*\r\n")
GOOD_HASHES = {"sha-1": 40, "sha-256": 64, "sha-384": 96, "sha-512": 128}
SERIAL = itertools.count(1)


def _certificate(*, as_rsa: bool) -> tuple[ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, x509.Certificate]:
    key = rsa.generate_private_key(65537, 2048) if as_rsa else ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "odd")])
    now = datetime.now(UTC)
    serial = secrets.randbits(60)
    made = x509.CertificateBuilder(name, name, key.public_key(), serial, now - timedelta(1), now + timedelta(9))
    return key, made.sign(key, hashes.SHA256())


SHOWN = {kind: _certificate(as_rsa=kind) for kind in (False, True)}


def digest(certificate: x509.Certificate | None, name: str) -> str:
    """A fingerprint in hexadecimal, small letters; empty for no certificate."""
    if certificate is None:
        return ""
    return hashlib.new(name.replace("-", "", 1), certificate.public_bytes(serialization.Encoding.DER)).hexdigest()


@dataclass
class Session:
    """A session: name in the hook, id, the peer's path and fingerprints, and the connection that it is on."""

    name: str
    ident: str
    path: str
    prints: list[tuple[str, str]]
    talk: Talk | None = None


class Endpoint:
    """The endpoint with its sessions."""

    def __init__(self, host: str, traits: set[str]) -> None:
        self.host, self.traits = host, traits
        self.sessions: dict[str, Session] = {}
        self.talks: set[Talk] = set()
        self.lock = threading.Lock()
        self.dead = False
        self.key, self.certificate = SHOWN["newest" in traits]
        self.socket = socket.create_server((host, 0), backlog=50)
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def context(self) -> SSL.Context:
        """Settings of a connection."""
        traits = self.traits
        context = SSL.Context(SSL.TLS_METHOD)
        old = "old-tls" in traits
        context.set_min_proto_version(
            SSL.TLS1_3_VERSION if "newest" in traits else SSL.TLS1_VERSION if old else SSL.TLS1_2_VERSION
        )
        if "oldest" in traits:
            context.set_max_proto_version(SSL.TLS1_2_VERSION)
        suites = b"ALL:@SECLEVEL=0" if old else b"ECDHE+AESGCM"
        context.set_cipher_list(b"ECDHE+AESGCM:eNULL:@SECLEVEL=0" if "null-suites" in traits else suites)
        context.use_certificate(self.certificate)
        context.use_privatekey(self.key)
        must = 0 if traits & {"any-certificate", "needs-none", "checks-late"} else SSL.VERIFY_FAIL_IF_NO_PEER_CERT
        context.set_verify(SSL.VERIFY_PEER | must, lambda *_: True)
        return context

    def offer(self, name: str, sdp: str) -> str:
        """Answer an offer; an empty text refuses it."""
        traits = self.traits
        media = re.search(r"^m=message (\d+) (\S+)", sdp, re.MULTILINE)
        path = re.search(r"^a=path:(\S+)", sdp, re.MULTILINE)
        setup = re.search(r"^a=setup:(\w+)", sdp, re.MULTILINE)
        prints = [
            (name.lower(), value.replace(":", "").lower())
            for name, value in re.findall(r"^a=fingerprint:(\S+) ([0-9A-Fa-f:]+)", sdp, re.MULTILINE)
        ]
        prints = [(name, value) for name, value in prints if GOOD_HASHES.get(name) == len(value)]
        if media is None or path is None or not (prints or traits & {"any-certificate", "tcp"}):
            return ""
        connects = setup is not None and setup[1] == "passive"
        if connects and "never-connects" in traits:
            return ""
        session = Session(name, self._ident(), path[1], prints)
        self.sessions[session.ident] = session
        if connects:
            threading.Thread(target=self._connect, args=(session,), daemon=True).start()
        return self._answer(session, connects=connects)

    def _ident(self) -> str:
        traits = self.traits
        if "short-ids" in traits:
            return secrets.token_hex(5)
        if "time-ids" in traits:
            return f"{time.time_ns():020d}"
        if "serial-ids" in traits:
            return f"session-of-the-odd-endpoint-{next(SERIAL):06d}"
        return "a" + secrets.token_urlsafe(16).replace("_", ".")

    def _answer(self, session: Session, *, connects: bool) -> str:
        traits, rich = self.traits, "long-sdp" in self.traits
        scheme = "msrp" if traits & {"answers-msrp", "tcp"} else "msrps"
        where = "peer.odd.invalid" if "named" in traits else self.host
        user, more = ("bob@", ";x=1") if "user" in traits else ("", "")
        uri = f"{scheme}://{user}{where}:{self.port}/{session.ident};tcp{more}"
        if "relayed" in traits:
            uri = f"{scheme}://{where}:{self.port}/relay{session.ident};tcp {uri}"
        port = 2855 if "elsewhere" in traits else self.port
        secured = [] if "tcp" in traits else [f"a=fingerprint:{one}" for one in self._prints()]
        secured += [] if "no-setup" in traits else [f"a=setup:{'active' if connects else 'passive'}"]
        above = secured if "session-level" in traits else []
        lines = [*("v=0", f"o=- {secrets.randbits(40)} 3 IN IP4 {self.host}", "s= ")]
        lines += [f"c=IN IP4 {self.host}", "t=0 0", *above]
        lines += [f"m=message {port} TCP/{'' if traits & {'answers-tcp', 'tcp'} else 'TLS/'}MSRP *"]
        lines += ["i=words", "a=mid:1", "a=accept-wrapped-types:*", "a=sendrecv", "a=X-y:z"] * rich
        lines += ["a=accept-types:*" if "all-types" in traits else "a=accept-types:message/cpim text/plain text/html"]
        lines += ["a=max-size:2000"] * ("small-messages" in traits) + ["a=msrp-cema"] * ("cema" in traits)
        lines += [one for one in secured if not above]
        return "".join(f"{line}\n" if rich else f"{line}\r\n" for line in (*lines, f"a=path:{uri}"))

    def _prints(self) -> list[str]:
        traits, other = self.traits, SHOWN["newest" not in self.traits][1]
        if "no-print" in traits:
            return []
        pairs = [("sha-256", other if "other-print" in traits else self.certificate)]
        if "many-prints" in traits:
            pairs = [("sha-512", other), ("sha-1", self.certificate), ("sha-256", other), *pairs]
        found = []
        for name, certificate in pairs:
            text = digest(certificate, name)
            text = ":".join(text[at : at + 2] for at in range(0, len(text), 2))
            found.append(f"{name} {text if 'newest' in traits else text.upper()}")
        return found

    def end(self, name: str) -> None:
        """End the session of a call."""
        if "after-bye" in self.traits:
            return
        gone = [one for one in self.sessions.values() if one.name == name]
        self.sessions = {key: one for key, one in self.sessions.items() if one.name != name}
        if "closes-on-bye" in self.traits:
            for one in gone:
                if one.talk is not None:
                    one.talk.close()

    def trusted(self, session: Session, shown: x509.Certificate | None, *, client: bool = False) -> bool:
        """Whether a certificate is one that the session's offer announced."""
        traits = self.traits
        if "any-certificate" in traits or (client and "print-as-server" in traits):
            return True
        if shown is None:
            return "needs-none" in traits
        known = list(session.prints)
        if "print-of-any" in traits:
            known += [one for other in self.sessions.values() for one in other.prints]
        size = 8 if "print-start" in traits else 1000
        return any(digest(shown, name)[:size] == value[:size] for name, value in known)

    def serve(self) -> None:
        """Take connections for ever."""
        while True:
            raw, peer = self.socket.accept()
            near = [one for one in self.talks if one.peer == peer[0]]
            if self.dead or ("few-connections" in self.traits and len(near) >= 8):
                raw.close()
            else:
                threading.Thread(target=self._serve, args=(raw, peer[0]), daemon=True).start()

    def _connect(self, session: Session) -> None:
        found = re.match(r"msrps?://(?:[^@/]*@)?([^:/]+):(\d+)", session.path)
        with contextlib.suppress(SSL.Error, OSError, EOFError):
            assert found is not None
            raw = socket.create_connection((found[1], int(found[2])))
            tls = SSL.Connection(self.context(), raw)
            tls.set_connect_state()
            tls.do_handshake()
            talk = Talk(self, tls, raw, found[1])
            if self.trusted(session, talk.shown, client=True):
                session.talk = talk
                if "silent-client" not in self.traits:
                    talk.request(
                        "SEND", session, f"msrps://{self.host}:{self.port}/{session.ident};tcp", "Message-ID: 1\r\n"
                    )
                talk.run()
            raw.close()

    def _serve(self, raw: socket.socket, peer: str) -> None:
        with contextlib.suppress(SSL.Error, OSError, EOFError, ValueError):
            sniffed = "sniffs-tls" in self.traits and raw.recv(1, socket.MSG_PEEK) == b"M"
            if sniffed or "tcp" in self.traits:
                talk = Talk(self, None, raw, peer)
            else:
                tls = SSL.Connection(self.context(), raw)
                tls.set_accept_state()
                tls.do_handshake()
                talk = Talk(self, tls, raw, peer)
            self.talks.add(talk)
            try:
                talk.run()
            finally:
                self.talks.discard(talk)
        with contextlib.suppress(OSError):
            raw.shutdown(socket.SHUT_RDWR)
        raw.close()


class Talk:
    """One connection."""

    def __init__(self, endpoint: Endpoint, tls: SSL.Connection | None, raw: socket.socket, peer: str) -> None:
        self.endpoint, self.tls, self.raw, self.peer, self.buffer = endpoint, tls, raw, peer, b""
        self.shown = tls.get_peer_certificate(as_cryptography=True) if tls is not None else None
        self.bound: Session | None = None
        self.busy = False

    def close(self) -> None:
        """End it."""
        with contextlib.suppress(OSError):
            self.raw.shutdown(socket.SHUT_RDWR)

    def _tire(self) -> None:
        if self.bound is None:
            self.close()

    def _heard(self) -> bytes:
        if "impatient" in self.endpoint.traits and self.bound is None:
            threading.Timer(0.5, self._tire).start()
        return self.tls.recv(65536) if self.tls is not None else self.raw.recv(65536)

    def run(self) -> None:
        """Serve messages until something is wrong."""
        traits = self.endpoint.traits
        while True:
            data = self._heard()
            if not data:
                return
            self.buffer += data
            while (start := OWN.match(self.buffer)) is not None:
                tid = rb"\S+?" if "ends-anywhere" in traits else re.escape(start[1])
                end = re.search(rb"(?:\r\n|^)-------%s([$+#])\r\n" % tid, self.buffer)
                if end is None:
                    break
                message, self.buffer = self.buffer[: end.start() + 2], self.buffer[end.end() :]
                self._take(start[1].decode(), start[2].decode(), message, end[1] == b"$")
            if b"\n" in self.buffer and not OWN.match(self.buffer):
                self.endpoint.dead |= "dies-of-noise" in traits
                return
            if len(self.buffer) > (20_000 if "stops-huge" in traits else LIMIT):
                if "stops-huge" in traits and (start := OWN.match(self.buffer)) is not None:
                    self._say(
                        f"MSRP {start[1].decode()} 413\r\nTo-Path: msrp://x;tcp\r\nFrom-Path: msrp://y;tcp\r\n"
                        f"-------{start[1].decode()}$\r\n"
                    )
                return

    def _take(self, transaction: str, method: str, message: bytes, whole: bool) -> None:  # noqa: C901, PLR0912
        endpoint, traits = self.endpoint, self.endpoint.traits
        head = message.partition(b"\r\n\r\n")[0].decode("latin-1")
        fields = {k.lower(): v for k, v in re.findall(r"^([^:\r\n]+): *([^\r\n]*)", head, re.MULTILINE)}
        back, own = fields.get("from-path", "").split(" ")[0], fields.get("to-path", "")
        if method.isdecimal():
            if "echoes" in traits:
                self._response(transaction, 200, back, own)
            return
        if method == "REPORT":
            if "answers-reports" in traits:
                self._response(transaction, 200, back, own)
            return
        if "to-path" not in fields:
            endpoint.dead |= "dies-of-no-path" in traits
            raise EOFError
        size = re.fullmatch(r"(\d+)-(\d+|\*)/(\d+|\*)", fields.get("byte-range", "1-*/*"))
        if "dies-of-range" in traits and (size is None or (size[2] != "*" and int(size[2]) < int(size[1]) - 1)):
            endpoint.dead = True
            for talk in list(endpoint.talks):
                talk.close()
        if "hangs-on-chunk" in traits and not whole and not self.busy:
            self.busy = True
            endpoint.lock.acquire()
            threading.Timer(8, endpoint.lock.release).start()
        if "hangs-on-chunk" in traits and not self.busy:
            with endpoint.lock:
                pass
        session = self._session(own)
        status, report = self._judge(session, method, fields, size)
        if status == 408:
            raise EOFError
        if status >= 400 and "closes" in traits:
            raise EOFError
        quiet = fields.get("failure-report") == "no" and "answers-all" not in traits
        if not quiet and not (status >= 400 and "silent" in traits):
            if "slow" in traits:
                time.sleep(0.3)
            self._response(transaction, 403 if status >= 400 and "forbids" in traits else status, back, own)
        if session is None or not whole:
            return
        what = fields.get("message-id", "")
        wanted = status == 200 and (fields.get("success-report") == "yes" or "reports-all" in traits)
        if report:
            self.request("REPORT", session, own, f"Message-ID: {what}\r\nStatus: 000 {report} no\r\n")
        elif wanted:
            self._report(session, own, what, fields.get("from-path", ""))
        for _ in range("chatty" in traits or 3 * ("keep-alive" in traits)):
            self.request("SEND", session, own, f"Message-ID: {secrets.token_hex(4)}\r\n")

    def _report(self, session: Session, own: str, what: str, origin: str) -> None:
        traits, about = self.endpoint.traits, f"Message-ID: {what}\r\nByte-Range: 1-9/9\r\nStatus: 000 200 OK\r\n"
        if "follows-from" in traits and origin != session.path:
            found = re.match(r"msrps?://(?:[^@/]*@)?([^:/]+):(\d+)", origin)
            if found:
                with contextlib.suppress(OSError), socket.create_connection((found[1], int(found[2])), 2) as other:
                    other.sendall(b"MSRP x REPORT\r\n")
        elif "reports-late" in traits:
            time.sleep(0.2)
            self.request("REPORT", session, own, about)
        else:
            for _ in range(3 if "reports-thrice" in traits else 1):
                self.request("REPORT", session, own, about)

    def _response(self, transaction: str, status: int, back: str, own: str) -> None:
        traits = self.endpoint.traits
        comment = "" if "terse" in traits else " Everything is as it should be (so far)" if "wordy" in traits else " OK"
        more = "X-Odd: yes\r\nServer: odd/1\r\n" if "wordy" in traits else ""
        first = own.split(" ", maxsplit=1)[0]
        lines = f"MSRP {transaction} {status}{comment}\r\nTo-Path: {back}\r\nFrom-Path: {first}\r\n{more}"
        self._say(f"{lines}-------{transaction}$\r\n")

    def request(self, method: str, session: Session, own: str, fields: str) -> None:
        """Send a request of its own."""
        tid = secrets.token_hex(5)
        paths = f"To-Path: {session.path}\r\nFrom-Path: {own.rsplit(' ', maxsplit=1)[-1]}\r\n"
        with contextlib.suppress(SSL.Error, OSError):
            self._say(f"MSRP {tid} {method}\r\n{paths}{fields}-------{tid}$\r\n")

    def _session(self, to_path: str) -> Session | None:
        traits, known = self.endpoint.traits, list(self.endpoint.sessions.values())
        hops = to_path.split(" ")
        if "any-session" in traits and known:
            return known[-1]
        if len(hops) > 1 + ("relayed" in traits):
            return None
        found = re.search(r"/([^/;]*)(?:;tcp[^ ]*)?$", hops[-1])
        ident = found[1] if found else ""
        for one in known:
            if (
                ident == one.ident
                or ("id-start" in traits and ident[:4] == one.ident[:4])
                or ("id-contains" in traits and one.ident in to_path)
            ):
                if "relayed" in traits and hops[0].rpartition("/")[2] != f"relay{one.ident};tcp":
                    return None
                return one
        return known[-1] if "id-empty" in traits and known and not ident else None

    def _judge(  # noqa: PLR0911 - one return for each answer
        self, session: Session | None, method: str, fields: dict[str, str], size: re.Match[str] | None
    ) -> tuple[int, int]:
        """The response's status, and that of a failure report behind it (0 for none); 408 ends the connection."""
        traits = self.endpoint.traits
        if session is None:
            return 481, 0
        unseen = self.tls is None or "any-session" in traits
        if not unseen and not self.endpoint.trusted(session, self.shown):
            return 408, 0
        held = session.talk not in (None, self) and session.talk in self.endpoint.talks
        if held and not traits & {"any-session", "takes-over"}:
            return 506, 0
        if self.bound not in (None, session) and "any-session" not in traits:
            return 481, 0
        session.talk, self.bound = self, session
        if method != "SEND" and "any-method" not in traits:
            return 501, 0
        if size is None:
            return 400, 0
        if "small-messages" in traits and size[3] != "*" and int(size[3]) > 2000:
            return 413, 0
        kind = fields.get("content-type", "text/plain").partition(";")[0]
        if kind not in {"text/plain", "message/cpim", "text/html"} and not traits & {"any-type", "all-types"}:
            return (200, 415) if "late" in traits else (415, 0)
        return 200, 0

    def _say(self, text: str) -> None:
        step = 1 if "bytes" in self.endpoint.traits else len(text)
        for at in range(0, len(text), step):
            (self.tls or self.raw).sendall(text[at : at + step].encode())


def hook(host: str) -> type[OfferHook]:
    """What takes offers."""
    endpoints: dict[str, Endpoint] = {}
    lock = threading.Lock()

    class Hook(OfferHook):
        def _endpoint(self) -> Endpoint:
            traits = self.path.split("/")[1]
            with lock:
                return endpoints.setdefault(traits, endpoints.get(traits) or Endpoint(host, set(traits.split("+"))))

        def offered(self, sdp: str) -> str:
            return self._endpoint().offer(self.path, sdp)

        def ended(self) -> None:
            self._endpoint().end(self.path)

    return Hook


if __name__ == "__main__":
    serve(sys.argv[1], hook(sys.argv[1]))
