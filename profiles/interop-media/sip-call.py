"""Calls a SIP user agent over UDP and prints the SDP of its answer: the hook of baresip.yaml.

    sip-call.py HOST:PORT OFFER-FILE LOCAL-ADDRESS

The call stands until the command is ended (SIGTERM); then it hangs up. Exit status 1 when the call is refused.
"""

from __future__ import annotations

import re
import secrets
import signal
import socket
import sys
from pathlib import Path

SECONDS, ANSWER_SECONDS, TRIES = 0.5, 6.0, 12
RINGING = 200


class Caller:
    """One call: an INVITE, its ACK, and a BYE."""

    def __init__(self, target: tuple[str, int], local: str) -> None:
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind((local, 0))
        self.udp.settimeout(SECONDS)
        self.target, self.own = target, self.udp.getsockname()
        self.call_id, self.tag = secrets.token_hex(8), secrets.token_hex(4)
        self.remote_tag = ""

    def request(self, method: str, number: int, body: bytes = b"") -> bytes:
        """Write a request of the dialog."""
        host, port = self.own
        lines = [
            f"{method} sip:ua@{self.target[0]}:{self.target[1]} SIP/2.0",
            f"Via: SIP/2.0/UDP {host}:{port};branch=z9hG4bK{secrets.token_hex(8)}",
            "Max-Forwards: 70",
            f"From: <sip:tester@{host}>;tag={self.tag}",
            f"To: <sip:ua@{self.target[0]}>{self.remote_tag}",
            f"Call-ID: {self.call_id}",
            f"CSeq: {number} {method}",
            f"Contact: <sip:tester@{host}:{port}>",
            *(["Content-Type: application/sdp"] if body else []),
            f"Content-Length: {len(body)}",
        ]
        return ("\r\n".join(lines) + "\r\n\r\n").encode() + body

    def invite(self, offer: bytes) -> tuple[int, bytes]:
        """Call; return the final status and the body of its answer (status 0: nobody answered)."""
        message = self.request("INVITE", 1, offer)
        ringing = False
        for _ in range(TRIES):
            if not ringing:
                self.udp.sendto(message, self.target)
            try:
                data = self.udp.recv(65536)
            except TimeoutError:
                continue
            if not data.startswith(b"SIP/2.0 ") or b"INVITE" not in data:
                continue
            status = int(data.split(maxsplit=2)[1])
            ringing = True
            if status >= RINGING:
                head, _, body = data.partition(b"\r\n\r\n")
                found = re.search(rb"(?im)^(?:to|t)\s*:.*?(;tag=[^;\s]+)", head)
                self.remote_tag = found[1].decode() if found else ""
                self.udp.sendto(self.request("ACK", 1), self.target)
                return status, body
        return 0, b""

    def bye(self) -> None:
        """Hang up."""
        self.udp.sendto(self.request("BYE", 2), self.target)


def main(argv: list[str]) -> int:
    """Call, print, wait for the end, hang up."""
    host, _, port = argv[0].rpartition(":")
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    caller = Caller((host, int(port)), argv[2])
    status, body = caller.invite(Path(argv[1]).read_bytes())
    if not 200 <= status < 300 or not body:
        sys.stderr.write(f"answered {status}\n")
        return 1
    sys.stdout.write(body.decode() + "\n--\n")
    sys.stdout.flush()
    signal.sigwait({signal.SIGTERM, signal.SIGINT})
    caller.bye()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
