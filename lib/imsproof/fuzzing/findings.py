"""Findings on disk: the smallest bytes, how they came about, and a reproducer that needs nothing of ours."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from imsproof.fuzzing.corpus import digest

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from imsproof.fuzzing.campaign import Found
    from imsproof.seams import Address

DATAGRAMS = '''"""Sends what {id} sent ({harm}) and asks whether somebody still answers. Needs Python 3 alone."""
import socket, sys
from pathlib import Path
host, port = (sys.argv[1], int(sys.argv[2])) if len(sys.argv) > 2 else ({host!r}, {port})
wire = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
wire.connect((host, port))
for message in [*sorted(Path(__file__).parent.glob("wire-*.bin")), Path(__file__).with_name("probe.bin")]:
    wire.send(message.read_bytes())
wire.settimeout(3)
print("still serves:", wire.recv(65535)[:60])
'''
FRAMES = '''"""Sends what {id} sent ({harm}) over TLS; Python 3 alone. Use: reproduce.py CERTIFICATE KEY [HOST PORT]"""
import socket, ssl, sys
from pathlib import Path
host, port = (sys.argv[3], int(sys.argv[4])) if len(sys.argv) > 4 else ({host!r}, {port})
context = ssl.create_default_context()
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
context.load_cert_chain(sys.argv[1], sys.argv[2])
context.set_alpn_protocols(["h2"])
for message in sorted(Path(__file__).parent.glob("message-*.bin")):
    with context.wrap_socket(socket.create_connection((host, port), 3), server_hostname=host) as wire:
        wire.sendall(message.read_bytes())
        print("answered:", wire.recv(100))
'''
STREAMS = '''"""Sends what {id} sent ({harm}), each with a good request behind it; needs Python 3 alone."""
import socket, ssl, sys
from pathlib import Path
host, port = (sys.argv[1], int(sys.argv[2])) if len(sys.argv) > 2 else ({host!r}, {port})
good = Path(__file__).with_name("probe.bin").read_bytes()
for message in [*sorted(Path(__file__).parent.glob("message-*.bin")), None]:
    wire = socket.create_connection((host, port), 3)
    if {tls}:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        wire = context.wrap_socket(wire, server_hostname=host)
    wire.sendall((message.read_bytes() if message else b"") + good)
    wire.settimeout(3)
    print(message and message.name, "answered:", wire.recv(65535)[:200])
'''
SCRIPTS = {"sbi": FRAMES, "gm-tcp": STREAMS, "gm-tls": STREAMS}
"""Reproducers of targets that take more than datagrams, where a script of a few lines can do it."""
MOST = 4
"""Messages that a cause is told by; more were not made small."""
LONG_WORD = 32
"""No method is longer; what stands behind such a word hardly matters."""
_DIGITS, _HEX, _RUN = re.compile(r"\d+"), re.compile(r"[0-9a-f]{8,}"), re.compile(r"(.{1,4}?)\1{3,}", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a campaign was made: enough to make it again.

    Attributes:
        target, by: what was fuzzed and what made the cases.
        mode: ``ci`` or ``campaign``.
        seed, shard: with the version they give the same bytes again.
        grows: whether reactions led the campaign (the corpus that it grew is part of the recipe then).
        version: of imsproof.
        faults: that were planted in the embedded lab.
    """

    target: str
    by: str
    mode: str
    seed: int
    shard: str
    version: str
    grows: bool = False
    faults: tuple[str, ...] = ()


def finding_id(found: Found) -> str:
    """Name a finding by what it did and by its bytes."""
    return f"{found.harm}-" + digest(b"\0".join(found.messages))


def cause(messages: Sequence[bytes], harm: str, why: str = "") -> str:
    """Say what is alike in findings of one cause: the harm, and the shape of the smallest messages.

    Numbers, names of one's own and repetitions are taken out of a message; a line of the lab's log tells most, where
    there is one. Two findings with the same text are very likely one defect.
    """
    if "the log says: " in why:
        return f"{harm}: {_shape(why.partition('the log says: ')[2].encode())}"
    if len(messages) > MOST:
        return f"{harm}: {len(messages)} messages together"
    return f"{harm}: " + " | ".join(_shape(one) for one in messages)


def _shape(data: bytes) -> str:
    word = data.split(b" ", 1)[0].split(b"\r\n", 1)[0]
    if b"SIP/2.0" in data and len(word) > LONG_WORD:
        return f"a first word of more than {LONG_WORD} bytes"
    text = data[:400].decode("latin-1").lower()
    for pattern, instead in ((_HEX, "#"), (_DIGITS, "0")):
        text = pattern.sub(instead, text)
    return _RUN.sub(r"\1+", text).encode("unicode_escape").decode()[:160]


def grouped(told: Iterable[dict[str, Any]]) -> dict[str, list[str]]:
    """Group what is told of findings by their cause: ids, the first found first."""
    found: dict[str, list[str]] = {}
    for one in told:
        found.setdefault(str(one["cause"]), []).append(str(one["id"]))
    return found


def write(folder: Path, found: Found, recipe: Recipe, where: Address, wire: Sequence[bytes], probe: bytes) -> Path:
    """Write one finding below a run folder and return its folder.

    Args:
        folder: the run folder.
        found: the finding.
        recipe: of its campaign.
        where: the address that cases went to.
        wire: the datagrams that carry its messages; none where a case takes a conversation.
        probe: a good datagram.
    """
    name = finding_id(found)
    own = folder / "findings" / name
    own.mkdir(parents=True, exist_ok=True)
    for number, message in enumerate(found.messages, 1):
        (own / f"message-{number:03}.bin").write_bytes(message)
    if wire:
        for number, datagram in enumerate(wire, 1):
            (own / f"wire-{number:03}.bin").write_bytes(datagram)
    script = DATAGRAMS if wire else SCRIPTS.get(recipe.target, "")
    if script in (DATAGRAMS, STREAMS):
        (own / "probe.bin").write_bytes(probe)
    if script:
        tls = recipe.target == "gm-tls"
        words = {"id": name, "harm": found.harm, "host": where[0], "port": where[1], "tls": tls}
        (own / "reproduce.py").write_text(script.format(**words), encoding="utf-8")
    told = {
        "schema": 1,
        "id": name,
        "harm": found.harm.value,
        "why": found.why,
        "seconds": round(found.seconds, 3),
        "confirmed": found.confirmed,
        "alone": found.alone,
        "cause": cause(found.messages, found.harm, found.why),
        "volley": found.volley,
        "messages": [one.name for one in sorted(own.glob("message-*.bin"))],
        "cases": list(found.names),
        "address": list(where),
        "recipe": {**asdict(recipe), "faults": list(recipe.faults)},
        "replay": f"imsproof replay {folder} {name}",
    }
    (own / "finding.json").write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    return own


def read(folder: Path) -> tuple[dict[str, Any], list[bytes]]:
    """Read a finding: what is told of it, and its messages (``OSError`` or ``ValueError`` when it is none)."""
    told = json.loads((folder / "finding.json").read_text(encoding="utf-8"))
    if not isinstance(told, dict) or told.get("schema") != 1:
        raise ValueError(f"{folder} holds no finding of imsproof")
    return told, [path.read_bytes() for path in sorted(folder.glob("message-*.bin"))]
