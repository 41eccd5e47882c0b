"""TLS and certificate families against one nginx, beside sslyze on the same server: how long, and how much is judged.

nginx (Debian's) is started with the right configuration of ``profiles/interop``. sslyze lives in a virtual environment
of its own, as it wants an older cryptography than imsproof; it is installed once and kept.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

from measure import Cost, run, told

ROOT = Path(__file__).resolve().parent.parent
SSLYZE = "sslyze==6.3.1"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "imsproof" / "bench-sslyze-6.3.1"
FAMILIES = ("SBI-TLS", "SBI-CERT")
ROUNDS = 2
ADDRESS, PKI = "IMSPROOF_INTEROP_ADDRESS", "IMSPROOF_INTEROP_PKI"


def sslyze() -> Path:
    """Install sslyze when it is not there yet, and return its Python."""
    python = CACHE / "bin" / "python"
    done = CACHE / "installed"
    if not done.is_file():
        venv.create(CACHE, with_pip=True, clear=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", SSLYZE], check=True)
        done.touch()
    return python


def scan(python: Path) -> Cost:
    """Have sslyze scan versions, suites and the certificate, with a client certificate."""
    versions = ("--sslv2", "--sslv3", "--tlsv1", "--tlsv1_1", "--tlsv1_2", "--tlsv1_3", "--certinfo")
    pki = Path(os.environ[PKI])
    client = ("--cert", str(pki / "tester-as.pem"), "--key", str(pki / "tester-as.key"))
    return run([str(python), "-m", "sslyze", *versions, *client, f"{os.environ[ADDRESS]}:8443"])


def families() -> tuple[Cost, float, int]:
    """Run the families; also return the seconds of the purposes themselves, and how many were judged."""
    with tempfile.TemporaryDirectory() as out:
        chosen = [part for family in FAMILIES for part in ("-f", family)]
        program = str(Path(sys.executable).with_name("imsproof"))
        cost = run([program, "run", str(ROOT / "profiles/interop/profile.yaml"), *chosen, "--out", out])
        result = next(Path(out).glob("*/run.json"), None)
        purposes = json.loads(result.read_text())["purposes"] if result else []
    judged = [one for one in purposes if one["judgements"]]
    return cost, sum(one["duration_s"] for one in judged), sum(len(one["judgements"]) for one in judged)


def compare() -> None:
    """Print the table; best of some rounds, one of each at a time."""
    python = sslyze()
    rounds = [(scan(python), families()) for _ in range(ROUNDS)]
    theirs = min(one.wall for one, _ in rounds)
    whole, own = min(two[0].wall for _, two in rounds), min(two[1] for _, two in rounds)
    told(
        "sslyze 6: versions, suites, certificate",
        theirs,
        "s",
        f"{min(one.cpu for one, _ in rounds):.1f} s of processors",
    )
    told(f"imsproof: purposes of {', '.join(FAMILIES)}", own, "s", f"x{theirs / own:.2f} of sslyze's speed")
    processors = min(two[0].cpu for _, two in rounds)
    remark = f"x{theirs / whole:.2f} of sslyze's speed; {processors:.1f} s of processors; {rounds[0][1][2]} judgements"
    told("imsproof: the whole command, with its reports", whole, "s", remark)


def main() -> None:
    """Start nginx and compare, or say why not."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # as it is for users: sslyze's own modules are compiled, too
    if ADDRESS in os.environ:
        compare()
        return
    if shutil.which("nginx") is None:
        print("sslyze beside imsproof: nginx is not installed (Debian, Ubuntu: apt install nginx-light)")
        return
    up = [sys.executable, str(ROOT / "profiles/interop/up.py"), "nginx", "--", sys.executable, __file__]
    subprocess.run(up, check=False, stderr=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
