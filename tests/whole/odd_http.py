"""HTTP of the data-channel peer of any manners, on whatever stream its SCTP gives it; see odd_peer.py."""

from __future__ import annotations

import asyncio
import gzip
import re
from typing import TYPE_CHECKING

from tests.whole.odd_sctp import BINARY, TEXT

if TYPE_CHECKING:
    from collections.abc import Callable

HOST = "127.0.0.1"
LIST = b'{"applications": []}\n'
INTERIM = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n"
PIECE = 11
SLOW_SECONDS = 1.2


class Http:
    """One end; ``say(stream, ppid, data)`` sends a message."""

    def __init__(self, traits: frozenset[str], say: Callable[[int, int, bytes], None]) -> None:
        self.traits = traits
        self.pending = b""
        self._say = say
        self._takes_gzip = True

    def take(self, stream: int, ppid: int, data: bytes) -> None:
        """Take a message."""
        if (stream and "every-stream" not in self.traits) or (
            ppid not in (TEXT, BINARY) and "every-ppid" not in self.traits
        ):
            if stream and "refuses-in-words" in self.traits:
                self._answer(stream, 400)
            return
        self.pending += data
        while b"\r\n\r\n" in self.pending:
            head, self.pending = self.pending.split(b"\r\n\r\n", 1)
            lengths = [int(one) for one in re.findall(rb"(?mi)^content-length: *(\d{1,6})\r?$", head + b"\r")]
            if len(lengths) > 1 and "first-length" not in self.traits:
                self.pending = b""
                self._answer(stream, 400)
                return
            self.pending = self.pending[lengths[0] if lengths else 0 :]
            self._takes_gzip = not re.search(rb"(?mi)^accept-encoding: *identity", head)
            self._request(stream, head.decode("latin-1"))
        if len(self.pending) > 16384:
            self.pending = b""
            self._answer(stream, 431)

    def _request(self, stream: int, head: str) -> None:
        method, path, *_ = (*head.partition("\r\n")[0].split(" "), "", "")
        root = "/index.html" if self.traits & {"moved", "found"} else "/"
        if method != "GET" and "methods" not in self.traits:
            self._answer(stream, 405)
        elif path == "/" and root != "/":
            where = root if "moved" in self.traits else f"http://{HOST}{root}"
            self._answer(stream, 301 if "moved" in self.traits else 302, headers=[f"Location: {where}"])
        elif path in ("/", root):
            self._answer(stream, 200, LIST if "html" not in self.traits else b"<!doctype html><h1>Applications</h1>\n")
        else:
            code = next((int(one[5:]) for one in self.traits if re.fullmatch(r"says-\d+", one)), 404)
            self._answer(stream, code)

    def _answer(self, stream: int, status: int, body: bytes = b"", headers: list[str] | None = None) -> None:
        if "slow-app" in self.traits:
            asyncio.get_running_loop().call_later(SLOW_SECONDS, self._answer_now, stream, status, body, headers)
        else:
            self._answer_now(stream, status, body, headers)

    def _answer_now(self, stream: int, status: int, body: bytes, headers: list[str] | None) -> None:
        if status >= 400 and "says-nothing" in self.traits:
            return
        version = "1.0" if "http-1.0" in self.traits else "1.1"
        lines = [f"HTTP/{version} {status} Whatever", *(headers or [])]
        lines += ["Connection: close"] if "closes" in self.traits else []
        lines += ["Server: odd/1.2.3"] if "product" in self.traits else []
        if "gzip" in self.traits and body and self._takes_gzip:
            body = gzip.compress(body)
            lines.append("Content-Encoding: gzip")
        if self.traits & {"chunked", "chunked-pieces"} and body:
            lines.append("Transfer-Encoding: chunked")
            more, trailer = (b";a=b", b"X-Sum: 1\r\n") if "chunked-pieces" in self.traits else (b"", b"")
            body = b"".join(b"%x%s\r\n%s\r\n" % (len(one), more, one) for one in (body[:7], body[7:]))
            body += b"0\r\n" + trailer + b"\r\n"
        else:
            lines.append(f"Content-Length: {len(body)}")
        if "small-names" in self.traits:
            lines[1:] = [
                re.sub(r"^([\w-]+): (.*)$", lambda found: f"{found[1].lower()}:  {found[2]} \t", x) for x in lines[1:]
            ]
        whole = "\r\n".join((*lines, "", "")).encode() + body
        if "interim" in self.traits:
            whole = INTERIM + whole
        size = PIECE if self.traits & {"pieces", "chunked-pieces"} else len(whole)
        for at in range(0, len(whole), size):
            self._say(stream, BINARY if self.traits & {"binary", "gzip"} else TEXT, whole[at : at + size])
