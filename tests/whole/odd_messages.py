"""A message endpoint (MSRP over TLS) that is not ours, right or wrong in ways to choose: ``HOST TRAIT...``.

It shares no code with the harness. Sessions are made with ``POST /NAME`` (an offer in, an answer out) and ended with
``DELETE /NAME`` at the port that it prints. :data:`RIGHT` names liberties that RFC 4975 leaves, :data:`WRONG` names
flaws.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import secrets
import socket
import sys
import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from OpenSSL import SSL

RIGHT = {
    "silent": "requests that are refused get no response",
    "closes": "requests that are refused end the connection",
    "late": "types are refused in a report, behind a 200 (RFC 4975 7.1.4)",
    "newest": "TLS 1.3 alone, an RSA certificate, a fingerprint in small letters",
    "chatty": "messages of its own, of either kind, at any time",
}
WRONG = {
    "any-certificate": "certificates are not looked at",
    "any-session": "To-Path is not looked at",
    "after-bye": "sessions never end",
}
LIMIT = 300_000
OWN = re.compile(rb"MSRP (\S+) ([A-Z]+|\d{3})[^\r\n]*\r\n")


@dataclass
class Session:
    """A session: name in the hook, id, the peer's path and fingerprint, and the connection that it is on."""

    name: str
    ident: str
    path: str
    fingerprint: str
    thread: int = 0


class Endpoint:
    """The endpoint with its sessions."""

    def __init__(self, host: str, traits: set[str]) -> None:
        self.host, self.traits = host, traits
        self.sessions: dict[str, Session] = {}
        self.context, self.fingerprint = self._context()
        self.socket = socket.create_server((host, 0), backlog=50)
        self.port = self.socket.getsockname()[1]

    def _context(self) -> tuple[SSL.Context, str]:
        key = rsa.generate_private_key(65537, 2048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "odd")])
        now = datetime.now(UTC)
        made = x509.CertificateBuilder(name, name, key.public_key(), 7, now - timedelta(1), now + timedelta(9))
        certificate = made.sign(key, hashes.SHA256())
        context = SSL.Context(SSL.TLS_SERVER_METHOD)
        context.set_min_proto_version(SSL.TLS1_3_VERSION if "newest" in self.traits else SSL.TLS1_2_VERSION)
        context.set_cipher_list(b"ECDHE+AESGCM")
        context.use_certificate(certificate)
        context.use_privatekey(key)
        must = 0 if "any-certificate" in self.traits else SSL.VERIFY_FAIL_IF_NO_PEER_CERT
        context.set_verify(SSL.VERIFY_PEER | must, lambda *_: True)
        digest = hashlib.sha256(certificate.public_bytes(serialization.Encoding.DER)).hexdigest()
        return context, ":".join(digest[at : at + 2] for at in range(0, 64, 2))

    def offer(self, name: str, sdp: str) -> str:
        """Answer an offer; an empty text refuses it."""
        found = {
            key: re.search(pattern, sdp, re.IGNORECASE | re.MULTILINE)
            for key, pattern in {
                "path": r"^a=path:(\S+)",
                "print": r"^a=fingerprint:sha-256 ([0-9a-f:]+)",
                "tls": r"^m=message \d+ TCP/TLS/MSRP",
            }.items()
        }
        if not found["tls"] or not found["path"] or not (found["print"] or "any-certificate" in self.traits):
            return ""
        seen = found["print"][1].lower() if found["print"] else ""
        session = Session(name, secrets.token_urlsafe(16).replace("_", "."), found["path"][1], seen)
        self.sessions[session.ident] = session
        shown = self.fingerprint if "newest" in self.traits else self.fingerprint.upper()
        lines = [
            *("v=0", f"o=- 1 1 IN IP4 {self.host}", "s=odd", f"c=IN IP4 {self.host}", "t=0 0"),
            *(f"m=message {self.port} TCP/TLS/MSRP *", "a=accept-types:text/plain", f"a=fingerprint:sha-256 {shown}"),
            *("a=setup:passive", f"a=path:msrps://{self.host}:{self.port}/{session.ident};tcp"),
        ]
        return "".join(f"{line}\r\n" for line in lines)

    def end(self, name: str) -> None:
        """End the session of a call."""
        if "after-bye" not in self.traits:
            self.sessions = {key: one for key, one in self.sessions.items() if one.name != name}

    def serve(self) -> None:
        """Take connections for ever."""
        while True:
            raw, _ = self.socket.accept()
            threading.Thread(target=self._serve, args=(raw,), daemon=True).start()

    def _serve(self, raw: socket.socket) -> None:
        with contextlib.suppress(SSL.Error, OSError, EOFError):
            tls = SSL.Connection(self.context, raw)
            tls.set_accept_state()
            tls.do_handshake()
            Talk(self, tls).run()
        raw.close()


class Talk:
    """One connection."""

    def __init__(self, endpoint: Endpoint, tls: SSL.Connection) -> None:
        self.endpoint, self.tls, self.buffer = endpoint, tls, b""
        peer = tls.get_peer_certificate(as_cryptography=True)
        digest = peer.fingerprint(hashes.SHA256()).hex(":") if peer is not None else ""
        self.fingerprint = digest.lower()

    def run(self) -> None:
        """Serve messages until something is wrong."""
        while True:
            self.buffer += self.tls.recv(65536)
            while (start := OWN.match(self.buffer)) is not None:
                end = re.search(rb"\r\n-------%s([$+#])\r\n" % re.escape(start[1]), self.buffer)
                if end is None:
                    break
                message, self.buffer = self.buffer[: end.start() + 2], self.buffer[end.end() :]
                self._take(start[1].decode(), start[2].decode(), message)
            if len(self.buffer) > LIMIT or (b"\n" in self.buffer and not OWN.match(self.buffer)):
                return

    def _take(self, transaction: str, method: str, message: bytes) -> None:
        head = message.partition(b"\r\n\r\n")[0].decode("latin-1")
        fields = {k.lower(): v for k, v in re.findall(r"^([^:\r\n]+): *([^\r\n]*)", head, re.MULTILINE)}
        if method.isdecimal() or method == "REPORT":
            return
        session = self._session(fields.get("to-path", ""))
        status, report = self._judge(session, method, fields)
        traits = self.endpoint.traits
        if status >= 400 and "closes" in traits:
            raise EOFError
        if fields.get("failure-report") == "no" or (status >= 400 and "silent" in traits):
            return
        back, own = fields.get("from-path", "").split(" ")[0], fields.get("to-path", "")
        self._say(f"MSRP {transaction} {status}\r\nTo-Path: {back}\r\nFrom-Path: {own}\r\n-------{transaction}$\r\n")
        if session is None:
            return
        what = fields.get("message-id", "")
        if report:
            self._request("REPORT", session, own, f"Message-ID: {what}\r\nStatus: 000 {report} no\r\n")
        elif fields.get("success-report") == "yes":
            self._request("REPORT", session, own, f"Message-ID: {what}\r\nStatus: 000 200 OK\r\n")
        if "chatty" in traits:
            self._request("SEND", session, own, f"Message-ID: {secrets.token_hex(4)}\r\n")

    def _request(self, method: str, session: Session, own: str, fields: str) -> None:
        tid = secrets.token_hex(5)
        paths = f"To-Path: {session.path}\r\nFrom-Path: {own}\r\n"
        self._say(f"MSRP {tid} {method}\r\n{paths}{fields}-------{tid}$\r\n")

    def _session(self, to_path: str) -> Session | None:
        known = list(self.endpoint.sessions.values())
        found = next((one for one in known if to_path.endswith(f"/{one.ident};tcp") and " " not in to_path), None)
        return found or (known[-1] if "any-session" in self.endpoint.traits and known else None)

    def _judge(self, session: Session | None, method: str, fields: dict[str, str]) -> tuple[int, int]:
        """The response's status, and that of a failure report behind it (0 for none)."""
        traits = self.endpoint.traits
        if session is None:
            return 481, 0
        if session.fingerprint != self.fingerprint and "any-certificate" not in traits:
            raise EOFError
        if session.thread not in (0, threading.get_ident()) and "any-session" not in traits:
            return 506, 0
        session.thread = threading.get_ident()
        if method != "SEND":
            return 501, 0
        if not fields.get("content-type", "text/plain").startswith("text/plain"):
            return (200, 415) if "late" in traits else (415, 0)
        return 200, 0

    def _say(self, text: str) -> None:
        self.tls.sendall(text.encode())


def hook(endpoint: Endpoint) -> type[BaseHTTPRequestHandler]:
    """What takes offers."""

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            self._answer(endpoint.offer(self.path, body))

        def do_DELETE(self) -> None:
            endpoint.end(self.path)
            self._answer("ended")

        def _answer(self, text: str) -> None:
            self.send_response(200 if text else 488)
            self.send_header("content-length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            """Be quiet."""

    return Hook


def main() -> None:
    """Serve until the process is ended."""
    endpoint = Endpoint(sys.argv[1], set(sys.argv[2:]))
    threading.Thread(target=endpoint.serve, daemon=True).start()
    server = ThreadingHTTPServer((sys.argv[1], 0), hook(endpoint))
    sys.stdout.write(f"{server.server_port}\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    main()
