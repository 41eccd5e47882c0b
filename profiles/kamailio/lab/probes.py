"""How the lab knows that one of its programs serves."""

from __future__ import annotations

import secrets
import socket
import ssl
import subprocess

ANSWER_SECONDS = 0.25


def tcp(host: str, port: int) -> bool:
    """Say whether something listens."""
    try:
        with socket.create_connection((host, port), ANSWER_SECONDS):
            return True
    except OSError:
        return False


def tls(host: str, port: int) -> bool:
    """Say whether something greets in TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with socket.create_connection((host, port), ANSWER_SECONDS) as plain, context.wrap_socket(plain):
            return True
    except OSError:
        return False


def sip(host: str, port: int, *, source: str) -> bool:
    """Say whether an OPTIONS over UDP is answered, with whatever status."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.settimeout(ANSWER_SECONDS)
        udp.bind((source, 0))
        own, tag = udp.getsockname()[1], secrets.token_hex(6)
        lines = [
            f"OPTIONS sip:{host}:{port} SIP/2.0",
            f"Via: SIP/2.0/UDP {source}:{own};branch=z9hG4bK{tag}",
            f"From: <sip:ready@{source}>;tag={tag}",
            f"To: <sip:{host}:{port}>",
            f"Call-ID: {tag}@{source}",
            "CSeq: 1 OPTIONS",
            "Max-Forwards: 70",
            "Content-Length: 0",
        ]
        try:
            udp.connect((host, port))
            udp.send("\r\n".join([*lines, "", ""]).encode())
            return udp.recv(65535).startswith(b"SIP/2.0 ")
        except OSError:
            return False


def ng(host: str, port: int) -> bool:
    """Say whether rtpengine answers a ping on its control protocol (bencode)."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.settimeout(ANSWER_SECONDS)
        try:
            udp.connect((host, port))
            udp.send(b"ready d7:command4:pinge")
            return b"pong" in udp.recv(4096)
        except OSError:
            return False


def diameter_open(kamcmd: str, control: str) -> bool:
    """Say whether a CSCF's Diameter peer is open."""
    told = subprocess.run([kamcmd, "-s", f"unix:{control}", "cdp.list_peers"], capture_output=True, check=False)
    return b"I_Open" in told.stdout or b"R_Open" in told.stdout
