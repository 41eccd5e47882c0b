"""An HTTP hook by which offers come to an odd endpoint: its answer as text, 488 where there is none."""

from __future__ import annotations

import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class OfferHook(BaseHTTPRequestHandler):
    """What takes offers."""

    def offered(self, sdp: str) -> str | None:
        """Take an offer; the answer, ``""`` to refuse it, or ``None`` to hang up."""
        raise NotImplementedError

    def ended(self) -> None:
        """End the call."""
        raise NotImplementedError

    def do_POST(self) -> None:
        text = self.offered(self.rfile.read(int(self.headers["content-length"])).decode())
        if text is not None:
            self._answer(text)

    def do_DELETE(self) -> None:
        self.ended()
        self._answer("ended")

    def _answer(self, text: str) -> None:
        self.send_response(200 if text else 488)
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        """Be quiet."""


def serve(host: str, hook: type[OfferHook]) -> None:
    """Serve at a port of the system's choice until the process is ended; say which."""
    server = ThreadingHTTPServer((host, 0), hook)
    sys.stdout.write(f"{server.server_port}\n")
    sys.stdout.flush()
    server.serve_forever()
