"""A bare DTLS peer, started for one offer: it prints an answer (SDP, then the line END) and becomes that peer.

    python bare-peer.py STACK OFFER.sdp

STACK is a row of PEERS below. There is no SCTP inside, so that what can be judged is DTLS itself. Only wolfssl holds
the peer's certificate against the fingerprint of the offer.
"""

from __future__ import annotations

import contextlib
import os
import re
import socket
import ssl
import subprocess
import sys
import tempfile
from hashlib import sha256
from pathlib import Path

ADDRESS = "127.0.0.1"
AEAD = "ECDHE+AESGCM:ECDHE+CHACHA20"
ANYTHING = "ALL:eNULL:aNULL:@SECLEVEL=0"
SERVER = ["openssl", "s_server", "-4", "-quiet", "-Verify", "1", "-cert", "{cert}", "-key", "{key}"]
SERVER += ["-accept", f"{ADDRESS}:{{port}}"]
CLIENT = ["openssl", "s_client", "-quiet", "-cert", "{cert}", "-key", "{key}", "-connect", "{peer}"]
CLIENT += ["-bind", f"{ADDRESS}:{{port}}"]
WOLFSSL = ["../../.venv-real/dc/wolfssl-peer", "{cert}", "{key}", ADDRESS, "{port}", "{host}", "{peer_port}"]
PEERS = {
    "openssl": ("passive", [*SERVER, "-dtls1_2", "-cipher", AEAD]),
    "openssl-lax": ("passive", [*SERVER, "-dtls", "-cipher", ANYTHING]),
    "openssl-client": ("active", [*CLIENT, "-dtls1_2", "-cipher", AEAD]),
    "openssl-client-lax": ("active", [*CLIENT, "-dtls", "-cipher", ANYTHING]),
    "mbedtls": ("passive", [sys.executable, __file__, "--mbedtls", "{cert}", "{key}", "{port}"]),
    "wolfssl": ("passive", [*WOLFSSL, "{fingerprint}"]),
    "wolfssl-lax": ("passive", WOLFSSL),
}
"""Role, and the command. Strict ones have DTLS 1.2 and AEAD suites; lax ones whatever their stack has."""


def main(stack: str, offer: str) -> None:
    """Answer the offer, then be the peer."""
    role, command = PEERS[stack]
    text = Path(offer).read_text(encoding="utf-8")

    def said(pattern: str) -> str:
        found = re.search(pattern, text, re.MULTILINE)
        return found[1].strip() if found else ""

    if said(r"^a=setup:(\w+)") == role:
        sys.exit(f"{stack} can only be {role}")
    folder = Path(tempfile.mkdtemp(prefix="imsproof-bare-"))
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
    ]
    request += ["-subj", "/CN=peer", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(request, check=True, stderr=subprocess.DEVNULL)
    digest = sha256(ssl.PEM_cert_to_DER_cert(certificate.read_text(encoding="ascii"))).hexdigest().upper()
    fingerprint = ":".join(digest[at : at + 2] for at in range(0, 64, 2))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((ADDRESS, 0))
        port = probe.getsockname()[1]
    lines = ["v=0", f"o=- 1 1 IN IP4 {ADDRESS}", "s=-", f"c=IN IP4 {ADDRESS}", "t=0 0"]
    lines += [f"m=application {port} UDP/DTLS/SCTP webrtc-datachannel", f"a=setup:{role}"]
    lines += [f"a=fingerprint:sha-256 {fingerprint}", "a=sctp-port:5000", "END"]
    sys.stdout.write("\r\n".join(lines) + "\r\n")
    sys.stdout.flush()
    host, peer_port = said(r"^c=IN IP4 (\S+)"), said(r"^m=application (\d+)")
    values = {"cert": str(certificate), "key": str(key), "port": str(port), "peer": f"{host}:{peer_port}"}
    values |= {
        "host": host,
        "peer_port": peer_port,
        "fingerprint": said(r"^a=fingerprint:(?i:sha-256) (\S+)") or "none",
    }
    words = [re.sub(r"\{(\w+)\}", lambda found: values[found[1]], word) for word in command]
    if role == "active":  # a client that reads the end of its input would go
        reading, _ = os.pipe()
        os.dup2(reading, 0)
    os.execvp(words[0], words)  # noqa: S606 - to be that peer is all that this is for


def mbedtls(certificate: str, key: str, port: str) -> None:
    """Be a server of python-mbedtls: it asks for a cookie, and for no certificate."""
    from mbedtls import exceptions, pk, tls, x509  # noqa: PLC0415 - only this peer has it

    chain = ([x509.CRT.from_PEM(Path(certificate).read_text())], pk.ECC.from_PEM(Path(key).read_text()))
    versions = {"lowest_supported_version": tls.DTLSVersion.DTLSv1_2}
    configuration = tls.DTLSConfiguration(certificate_chain=chain, validate_certificates=False, **versions)
    listening = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # accepting binds a second socket there
    server = tls.ServerContext(configuration).wrap_socket(listening)
    server.bind((ADDRESS, int(port)))
    while True:
        connection, address = server.accept()
        connection.setcookieparam(address[0].encode())
        with contextlib.suppress(OSError, tls.WantReadError, exceptions.TLSError):
            try:
                connection.do_handshake()
                while connection.recv(65536):
                    pass
            except tls.HelloVerifyRequest:
                pass
        connection.close()


if sys.argv[1] == "--mbedtls":
    mbedtls(*sys.argv[2:])
else:
    main(*sys.argv[1:])
