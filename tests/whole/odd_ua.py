"""A small SIP user agent over UDP that is not ours, right or odd on purpose: ``odd_ua.py HOST PORT KIND``.

right: 401 to good REGISTERs, 400 or silence to what it cannot read. Kinds that are right too: ``throttles`` (silent
to an address that sends more than 40 messages in a second, for 3 seconds), ``busy`` (503 to everybody, while that
lasts), ``strict`` (400 to whatever it does not like). Wrong ones: ``crashes`` (at a Subject of ``%n``), ``restarts``
(the same, and comes back), ``hangs`` (at the same, for 3 seconds), ``two-steps`` (a CANCEL, then a BYE), ``fails`` (500
to everything ever after).
"""

from __future__ import annotations

import os
import re
import socket
import sys
import time

BAD = b"%n"
STATUS = {400: "Bad Request", 401: "Unauthorized", 405: "Not Allowed", 500: "Server Error", 503: "Unavailable"}


def serve(host: str, port: int, kind: str) -> None:
    """Answer until it breaks."""
    wire = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    wire.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    wire.bind((host, port))
    print("ready", flush=True)  # noqa: T201 - says so to the test
    recent: dict[str, list[float]] = {}
    banned: dict[str, float] = {}
    cancelled = broken = False
    while True:
        data, peer = wire.recvfrom(65535)
        now = time.monotonic()
        key = peer[0] if kind == "throttles" else ""
        times = recent.setdefault(key, [])
        times[:] = [one for one in times if now - one < 1.0][-200:]
        times.append(now)
        over = kind in ("throttles", "busy") and len(times) > 40
        if kind == "two-steps" and cancelled and data.startswith(b"BYE "):
            os._exit(1)
        cancelled = cancelled or data.startswith(b"CANCEL ")
        if BAD in data and data.startswith((b"OPTIONS ", b"MESSAGE ")):
            if kind in ("crashes", "restarts"):
                os._exit(1)
            if kind == "hangs":
                time.sleep(3)
            broken = broken or kind == "fails"
        if over and kind == "throttles":
            banned.setdefault(key, now + 3)
        if now < banned.get(key, 0):
            continue
        banned.pop(key, None)
        status = 500 if broken else 503 if over else judge(data, strict=kind == "strict")
        if status:
            wire.sendto(answer(data, status), peer)


def judge(data: bytes, *, strict: bool) -> int:
    """What to answer; 0 is silence."""
    if not re.match(rb"[A-Z]+ \S+ SIP/2\.0\r\n", data) or b"\r\n\r\n" not in data:
        return 400 if strict and not data.startswith(b"SIP/") else 0
    if strict and re.search(rb"[\x00\x80-\xff]", data):
        return 400
    return 401 if data.startswith(b"REGISTER ") else 0 if data.startswith(b"ACK ") else 405


def answer(data: bytes, status: int) -> bytes:
    """Copy what an answer copies."""
    head = data.partition(b"\r\n\r\n")[0].split(b"\r\n")[1:]
    wanted = (b"via", b"from", b"to", b"call-id", b"cseq", b"v", b"f", b"t", b"i")
    kept = [line for line in head if line.partition(b":")[0].strip().lower() in wanted]
    return b"\r\n".join([f"SIP/2.0 {status} {STATUS[status]}".encode(), *kept, b"Content-Length: 0", b"", b""])


def main() -> None:
    """Serve; ``restarts`` has a parent that starts it again."""
    host, port, kind = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    if kind != "restarts":
        serve(host, port, kind)
    while True:
        child = os.fork()
        if child == 0:
            serve(host, port, kind)
        os.waitpid(child, 0)
        time.sleep(0.3)


if __name__ == "__main__":
    main()
