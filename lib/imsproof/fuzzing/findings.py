"""Findings on disk: the smallest bytes, how they came about, and a reproducer that needs nothing of ours."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from imsproof.fuzzing.campaign import Found
    from imsproof.seams import Address

REPRODUCER = '''"""Sends what {id} sent ({harm}) and asks whether somebody still answers. Needs Python 3 alone."""
import socket, sys
from pathlib import Path
host, port = (sys.argv[1], int(sys.argv[2])) if len(sys.argv) > 2 else ({host!r}, {port})
wire = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
wire.connect((host, port))
for message in sorted(Path(__file__).parent.glob("message-*.bin")):
    wire.send(message.read_bytes())
wire.settimeout(3)
wire.send(Path(__file__).with_name("probe.bin").read_bytes())
print("still serves:", wire.recv(65535).splitlines()[0])
'''


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a campaign was made: enough to make it again.

    Attributes:
        target, mode: what was fuzzed and how.
        seed, shard: with the version they give the same bytes again.
        version: of imsproof.
        faults: that were planted in the embedded lab.
    """

    target: str
    mode: str
    seed: int
    shard: str
    version: str
    faults: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "target": self.target,
            "mode": self.mode,
            "seed": self.seed,
            "shard": self.shard,
            "version": self.version,
            "faults": list(self.faults),
        }


def digest(data: bytes) -> str:
    """Name bytes."""
    return hashlib.sha256(data).hexdigest()[:10]


def finding_id(found: Found) -> str:
    """Name a finding by what it did and by its bytes."""
    return f"{found.harm}-" + digest(b"\0".join(found.messages))


def write(folder: Path, found: Found, recipe: Recipe, where: Address, probe: bytes) -> Path:
    """Write one finding below a run folder and return its folder."""
    name = finding_id(found)
    own = folder / "findings" / name
    own.mkdir(parents=True, exist_ok=True)
    for number, message in enumerate(found.messages, 1):
        (own / f"message-{number:03}.bin").write_bytes(message)
    (own / "probe.bin").write_bytes(probe)
    (own / "reproduce.py").write_text(
        REPRODUCER.format(id=name, harm=found.harm, host=where[0], port=where[1]), encoding="utf-8"
    )
    told = {
        "schema": 1,
        "id": name,
        "harm": found.harm.value,
        "confirmed": found.confirmed,
        "volley": found.volley,
        "messages": [one.name for one in sorted(own.glob("message-*.bin"))],
        "cases": list(found.names),
        "address": list(where),
        "recipe": recipe.to_json(),
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
