"""A bare DTLS peer: openssl s_server, as strict or as lax as its further arguments say. It takes an offer's SDP file.

    python openssl-peer.py OFFER.sdp [s_server arguments]

It prints an answer (SDP, then the line END) and becomes the server. There is no SCTP inside, and nobody checks the
client's fingerprint: what can be judged is DTLS itself.
"""

from __future__ import annotations

import os
import socket
import ssl
import subprocess
import sys
import tempfile
from hashlib import sha256
from pathlib import Path

ADDRESS = "127.0.0.1"
ROLE = "a=setup:"


def main() -> None:
    """Answer the offer, then serve."""
    offer, *arguments = sys.argv[1:]
    role = next((x for x in Path(offer).read_text(encoding="utf-8").splitlines() if x.startswith(ROLE)), "")
    if role == f"{ROLE}passive":
        sys.exit("s_server can only be passive")
    folder = Path(tempfile.mkdtemp(prefix="imsproof-openssl-"))
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    request = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=peer",
    ]
    subprocess.run([*request, "-keyout", key, "-out", certificate], check=True, stderr=subprocess.DEVNULL)
    digest = sha256(ssl.PEM_cert_to_DER_cert(certificate.read_text(encoding="ascii"))).hexdigest().upper()
    fingerprint = ":".join(digest[at : at + 2] for at in range(0, 64, 2))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((ADDRESS, 0))
        port = probe.getsockname()[1]
    lines = ["v=0", f"o=- 1 1 IN IP4 {ADDRESS}", "s=-", f"c=IN IP4 {ADDRESS}", "t=0 0"]
    lines += [f"m=application {port} UDP/DTLS/SCTP webrtc-datachannel", "a=setup:passive"]
    lines += [f"a=fingerprint:sha-256 {fingerprint}", "a=sctp-port:5000", "END"]
    sys.stdout.write("\r\n".join(lines) + "\r\n")
    sys.stdout.flush()
    own = ["-cert", str(certificate), "-key", str(key), "-accept", f"{ADDRESS}:{port}"]
    server = ["openssl", "s_server", "-4", "-quiet", "-Verify", "1", *own, *(arguments or ["-dtls1_2"])]
    os.execvp("openssl", server)  # noqa: S606, S607 - to be that peer is all that this is for


main()
