"""A call through rtpengine, by its ng protocol: the hook of rtpengine.yaml.

    ng-call.py NG-HOST:PORT OFFER-FILE FAR-ADDRESS FAR-PORT CALL-ID [FLAG...]   prints the answer's SDP
    ng-call.py NG-HOST:PORT delete CALL-ID

The core side is plain RTP at FAR-ADDRESS, whose answer is written here. Flags, here and in IMSPROOF_NG_FLAGS
(with commas), are handed to rtpengine.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import sys
from pathlib import Path
from typing import Any

TRIES, SECONDS = 5, 1.0


def ask(server: str, command: dict[str, Any]) -> dict[str, Any]:
    """Send one command and return the answer; a lost datagram is sent again under its cookie."""
    host, _, port = server.rpartition(":")
    cookie = secrets.token_hex(8)
    request = f"{cookie} {json.dumps(command)}".encode()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.settimeout(SECONDS)
        for _ in range(TRIES):
            udp.sendto(request, (host, int(port)))
            try:
                answer = udp.recv(65536).decode()
            except TimeoutError:
                continue
            if answer.startswith(f"{cookie} "):
                found: dict[str, Any] = json.loads(answer.partition(" ")[2])
                return found
    return {"result": "error", "error-reason": "no answer"}


def call(server: str, offer: str, far: tuple[str, str], call_id: str, flags: list[str]) -> str:
    """Offer and answer; return the answer's SDP (``RuntimeError`` with rtpengine's reason)."""
    flags = [*flags, *filter(None, os.environ.get("IMSPROOF_NG_FLAGS", "").split(","))]
    common: dict[str, Any] = {"call-id": call_id, "from-tag": "ue", "ICE": "remove", "flags": flags}
    plain_rtp = {"transport-protocol": "RTP/AVP", "rtcp-mux": ["demux"]}
    made = ask(server, common | plain_rtp | {"command": "offer", "sdp": offer})
    if made.get("result") != "ok":
        raise RuntimeError(f"offer: {made.get('error-reason', made)}")
    address, port = far
    lines = ["v=0", f"o=- 1 1 IN IP4 {address}", "s=-", f"c=IN IP4 {address}", "t=0 0", f"m=audio {port} RTP/AVP 0 8"]
    core = "\r\n".join([*lines, "a=rtpmap:0 PCMU/8000", "a=rtpmap:8 PCMA/8000", ""])
    done = ask(server, common | {"command": "answer", "to-tag": "far", "sdp": core})
    if done.get("result") != "ok":
        raise RuntimeError(f"answer: {done.get('error-reason', done)}")
    return str(done["sdp"])


def main(argv: list[str]) -> int:
    """Run; exit status 1 when rtpengine refuses."""
    server, what, *rest = argv
    if what == "delete":
        return 0 if ask(server, {"command": "delete", "call-id": rest[0], "delete-delay": 0})["result"] == "ok" else 1
    try:
        sys.stdout.write(call(server, Path(what).read_text(encoding="utf-8"), (rest[0], rest[1]), rest[2], rest[3:]))
    except RuntimeError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
