"""An NF service producer for the real lab: media contexts (nmf-mrm) in memory, access tokens checked by PyJWT.

It speaks HTTP/1.1 to nginx or nghttpx, which end TLS and HTTP/2 in front of it. Of the API of TS 29.176 it has as much
as authorisation needs: contexts that can be created, read and deleted.

    python producer.py --bind 127.50.1.62 --token-key token.pub
"""

from __future__ import annotations

import argparse
import json
import threading
import uuid
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NoReturn

import jwt

PORT = 8080
ROOT = "/nmf-mrm/v1/contexts"
SCOPE = "nmf-mrm"
NF_TYPE = "MF"
INSTANCE = "6d0f1c1e-0000-4000-8000-0000000000c1"
ISSUER = "6d0f1c1e-0000-4000-8000-0000000000c2"
MAX_BODY = 64 * 1024
MOST_DISCARDED = 16 << 20


class RefusedError(Exception):
    """A request that is not served: status, title, and the error of RFC 6750."""

    def __init__(self, status: HTTPStatus, title: str, oauth: str = "") -> None:
        super().__init__(title)
        self.status, self.title, self.oauth = status, title, oauth


class Producer(ThreadingHTTPServer):
    """The server with its contexts."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int], token_key: str) -> None:
        super().__init__(address, Handler)
        self.token_key = token_key
        self.contexts: dict[str, object] = {}
        self.lock = threading.Lock()


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server: Producer

    def do_GET(self) -> None:
        self._serve(self._read)

    def do_POST(self) -> None:
        self._serve(self._create)

    def do_DELETE(self) -> None:
        self._serve(self._delete)

    def do_PUT(self) -> None:
        self._serve(self._not_allowed)

    do_PATCH = do_PUT

    def _serve(self, action) -> None:  # noqa: ANN001 - a bound method
        try:
            body = self._body()
            if self.path != "/health":
                self._authorise()
            status, headers, answer = action(body)
        except RefusedError as refused:
            status, headers = refused.status, {}
            if refused.status == HTTPStatus.UNAUTHORIZED or refused.oauth:
                error = f', error="{refused.oauth}"' if refused.oauth else ""
                headers["WWW-Authenticate"] = f'Bearer realm="{NF_TYPE}"{error}'
            answer = {"status": int(refused.status), "title": refused.title}
            headers["Content-Type"] = "application/problem+json"
        content = b"" if answer is None else json.dumps(answer).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            return self._chunks()
        length = self.headers.get("Content-Length", "0")
        if not length.isdigit() or int(length) > MAX_BODY:
            self._refuse_body(int(length) if length.isdigit() else 0)
        return self.rfile.read(int(length))

    def _refuse_body(self, octets: int) -> NoReturn:
        """Say that a body is too large; it is read and thrown away, or the front meets a reset and not the answer."""
        self.close_connection = True
        for _ in range(0, min(octets, MOST_DISCARDED), MAX_BODY):
            self.rfile.read(min(octets, MAX_BODY))
            octets -= MAX_BODY
        raise RefusedError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "Content Too Large")

    def _chunks(self) -> bytes:
        body = b""
        while size := int(self.rfile.readline(32).partition(b";")[0] or b"0", 16):
            if len(body) + size > MAX_BODY:
                self._refuse_body(size)
            body += self.rfile.read(size)
            self.rfile.readline(4)
        while self.rfile.readline(8192).strip():
            pass
        return body

    def _authorise(self) -> None:
        told = self.headers.get_all("Authorization", [])
        if len(told) > 1:
            raise RefusedError(HTTPStatus.BAD_REQUEST, "More Than One Authorization", "invalid_request")
        scheme, _, token = "".join(told).partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise RefusedError(HTTPStatus.UNAUTHORIZED, "No Access Token")
        try:
            claims = jwt.decode(
                token.strip(),
                self.server.token_key,
                algorithms=["ES256"],
                audience=[NF_TYPE, INSTANCE],
                issuer=ISSUER,
                options={"require": ["exp", "iss", "aud", "sub", "scope"]},
            )
        except jwt.InvalidTokenError as error:
            raise RefusedError(HTTPStatus.UNAUTHORIZED, f"Token Not Taken: {error}", "invalid_token") from None
        if SCOPE not in str(claims["scope"]).split():
            raise RefusedError(HTTPStatus.FORBIDDEN, "Scope Does Not Cover This", "insufficient_scope")

    def _read(self, _body: bytes) -> tuple[int, dict[str, str], object]:
        if self.path == "/health":
            return HTTPStatus.OK, {}, {"status": "ok"}
        return HTTPStatus.OK, {}, self.server.contexts[self._known()]

    def _create(self, body: bytes) -> tuple[int, dict[str, str], object]:
        if self.path != ROOT:
            raise RefusedError(HTTPStatus.NOT_FOUND, "No Such Resource")
        try:
            context = json.loads(body)
        except ValueError:
            raise RefusedError(HTTPStatus.BAD_REQUEST, "Not JSON") from None
        if not isinstance(context, dict) or not isinstance(context.get("terminations"), list):
            raise RefusedError(HTTPStatus.BAD_REQUEST, "terminations Is Missing")
        identity = str(uuid.uuid4())
        with self.server.lock:
            self.server.contexts[identity] = context
        return HTTPStatus.CREATED, {"Location": f"{ROOT}/{identity}"}, {"contextId": identity, **context}

    def _delete(self, _body: bytes) -> tuple[int, dict[str, str], object]:
        identity = self._known()
        with self.server.lock:
            self.server.contexts.pop(identity, None)
        return HTTPStatus.NO_CONTENT, {}, None

    def _not_allowed(self, _body: bytes) -> tuple[int, dict[str, str], object]:
        raise RefusedError(HTTPStatus.METHOD_NOT_ALLOWED, "Method Not Allowed")

    def _known(self) -> str:
        identity = self.path.removeprefix(f"{ROOT}/")
        if identity not in self.server.contexts:
            raise RefusedError(HTTPStatus.NOT_FOUND, "No Such Context")
        return identity


def main() -> None:
    """Serve until the process is ended."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--bind", required=True)
    parser.add_argument("--token-key", required=True, type=Path)
    options = parser.parse_args()
    Producer((options.bind, PORT), options.token_key.read_text()).serve_forever()


if __name__ == "__main__":
    main()
