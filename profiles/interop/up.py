"""Starts a producer of nmf-mrm on another stack, right or wrong on purpose, runs a command against it, and stops it.

    python profiles/interop/up.py node -- imsproof run profiles/interop/profile.yaml --family SBI
    python profiles/interop/up.py nginx --wrong tls,duplicates     # stays until Ctrl-C

Stacks: node (Node's http2), nginx and nghttpx (each in front of the same producer on Node). Flaws of the fronts:
``tls`` (nginx: TLS 1.0 and 1.1 are taken), ``certificate`` (no client certificate is asked for); all others are the
producer's (see mf.mjs). Exit status: the command's; 4 when something does not start.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from imsproof.lab.pki import Pki, make_pki

HERE = Path(__file__).resolve().parent
STACKS = {"node": 10, "nginx": 20, "nghttpx": 30}
FRONT_FLAWS = {"tls", "certificate"}
PORT, BACKEND_PORT = 8443, 8080
START_SECONDS = 10.0
STOP_SECONDS = 3.0
NOT_STARTED = 4
SUITES = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305"


class StartError(Exception):
    """A program is missing or did not come up."""


def main() -> int:
    """Start, run, stop."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n", maxsplit=1)[0], epilog="-- COMMAND")
    parser.add_argument("stack", choices=STACKS)
    parser.add_argument("--wrong", default="", help="flaws, separated by commas")
    parser.add_argument("--odd", default="", help="ways to be right that are unusual, separated by commas (see mf.mjs)")
    parser.add_argument("--third", type=int, default=1, help="third byte of the address: 127.61.N.x")
    words, command = sys.argv[1:], []
    if "--" in words:
        words, command = words[: words.index("--")], words[words.index("--") + 1 :]
    options = parser.parse_args(words)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    started: list[subprocess.Popen[bytes]] = []
    with tempfile.TemporaryDirectory(prefix="imsproof-interop-") as folder:
        try:
            pki = make_pki(Path(folder) / "pki")
            address = f"127.61.{options.third}.{STACKS[options.stack]}"
            wrong = set(filter(None, options.wrong.split(",")))
            start(options.stack, wrong, options.odd, address, pki, Path(folder), started)
            place = {
                "IMSPROOF_INTEROP_STACK": options.stack,
                "IMSPROOF_INTEROP_ADDRESS": address,
                "IMSPROOF_INTEROP_PKI": str(pki.directory),
            }
            if command:
                return subprocess.run(command, env={**os.environ, **place}, check=False).returncode
            print("\n".join(f"export {name}={value}" for name, value in place.items()), flush=True)
            signal.pause()
        except StartError as error:
            print(f"{options.stack} does not start: {error}", file=sys.stderr)
            return NOT_STARTED
        except KeyboardInterrupt:
            return 130
        finally:
            for process in reversed(started):
                stop(process)
    return 0


def start(
    stack: str, wrong: set[str], odd: str, address: str, pki: Pki, folder: Path, started: list[subprocess.Popen[bytes]]
) -> None:
    """Start the producer and, for nginx and nghttpx, the front; each is waited for."""
    flaws = ",".join(sorted(wrong - FRONT_FLAWS))
    producer = [program("node"), str(HERE / "mf.mjs"), "--pki", str(pki.directory), "--wrong", flaws, "--odd", odd]
    if stack == "node":
        run([*producer, "--tls", "--listen", f"{address}:{PORT}"], (address, PORT), started)
        return
    run([*producer, "--listen", f"{address}:{BACKEND_PORT}"], (address, BACKEND_PORT), started)
    front = nginx if stack == "nginx" else nghttpx
    run(front(wrong, address, pki, folder), (address, PORT), started)


def nginx(wrong: set[str], address: str, pki: Pki, folder: Path) -> list[str]:
    """Write nginx's configuration and return its command line."""
    tls = [
        "ssl_protocols TLSv1 TLSv1.1 TLSv1.2 TLSv1.3; ssl_ciphers ALL:@SECLEVEL=0;"
        if "tls" in wrong
        else f"ssl_protocols TLSv1.2 TLSv1.3; ssl_ciphers {SUITES};"
    ]
    if "certificate" not in wrong:
        tls.append(f"ssl_client_certificate {pki.ca}; ssl_crl {pki.crl}; ssl_verify_client on;")
    text = (HERE / "nginx.conf").read_text(encoding="utf-8")
    words = {"RUN": folder, "PKI": pki.directory, "ADDRESS": address, "TLS": "\n        ".join(tls)}
    user = "user root;" if os.geteuid() == 0 else ""
    for word, value in {**words, "USER": user, "BACKEND": f"{address}:{BACKEND_PORT}"}.items():
        text = text.replace(f"@{word}@", str(value))
    (folder / "nginx.conf").write_text(text, encoding="utf-8")
    return [program("nginx"), "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", "stderr"]


def nghttpx(wrong: set[str], address: str, pki: Pki, folder: Path) -> list[str]:
    """Return nghttpx's command line; Debian's defaults but for what must be said."""
    (folder / "nghttpx.conf").write_text("", encoding="utf-8")
    command = [program("nghttpx"), f"--conf={folder / 'nghttpx.conf'}", f"--frontend={address},{PORT}"]
    command += [f"--backend={address},{BACKEND_PORT}", "--log-level=ERROR", "--accesslog-file=/dev/null"]
    if "tls" in wrong:
        command += ["--tls-min-proto-version=TLSv1.0", "--ciphers=ALL:@SECLEVEL=0"]
    if "certificate" not in wrong:
        command += ["--verify-client", f"--verify-client-cacert={pki.ca}"]
    return [*command, str(pki.key("mf")), str(pki.certificate("mf"))]


def program(name: str) -> str:
    """Return where a program is (``StartError`` when it is not installed)."""
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if found is None:
        raise StartError(f"{name} is not installed (Debian: nodejs, nginx-light, nghttp2-proxy)")
    return found


def run(command: list[str], where: tuple[str, int], started: list[subprocess.Popen[bytes]]) -> None:
    """Start a program and wait until it listens."""
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    started.append(process)
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise StartError(f"{command[0]} ended with {process.returncode}")
        with socket.socket() as probe:
            if probe.connect_ex(where) == 0:
                return
        time.sleep(0.05)
    raise StartError(f"{command[0]} does not listen at {where[0]} port {where[1]}")


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a program, by its pid."""
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


if __name__ == "__main__":
    sys.exit(main())
