"""Makes a test purpose of a finding: a row of the catalogue, its messages beside the testcases, and a planted fault.

The purpose sends the messages and asks that the lab serves on; the fault is a node that breaks on just these.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

ID = re.compile(r"GM-MALFORMED-\d\d+")
CATALOGUE = "lib/imsproof/catalogue/data/found.yaml"
FAULTS = "lib/imsproof/lab/faults/found.yaml"
MESSAGES = "testcases/gm/found"
MOST = 200
"""Bytes of a message by which the planted fault knows it."""


def as_purpose(root: Path, purpose: str, told: dict[str, Any], messages: Sequence[bytes]) -> list[Path]:
    """Write the purpose into a checkout and return what was written.

    Args:
        root: the checkout.
        purpose: its id, ``GM-MALFORMED-nn``.
        told: the finding's ``finding.json``.
        messages: its messages.

    Raises:
        ValueError: this finding cannot become this purpose; the message says why.
    """
    if told["recipe"]["target"] != "gm-sip":
        raise ValueError("only findings of --target gm-sip become purposes; keep others in a corpus (--corpus)")
    if not ID.fullmatch(purpose):
        raise ValueError(f"{purpose!r} is no id of the family GM-MALFORMED, as GM-MALFORMED-90")
    if not messages or not all(messages):
        raise ValueError("the finding has no message to send")
    data = root / "lib/imsproof/catalogue/data"
    if any(f"id: {purpose}\n" in path.read_text(encoding="utf-8") for path in data.glob("*.yaml")):
        raise ValueError(f"{purpose} is taken")
    folder = root / MESSAGES / purpose
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for number, message in enumerate(messages, 1):
        written.append(folder / f"message-{number:03}.bin")
        written[-1].write_bytes(message)
    fault = f"found.{purpose.lower().replace('-', '_')}"
    row = {
        "id": purpose,
        "title": f"What made a lab {told['harm']} does no harm ({told['id']})",
        "cites": ["TS 33.117 4.4.4 [text]"],
        "reference_points": ["Gm"],
        "needs": ["gm", "gm.udp"],
        "faults": [fault],
    }
    flaw = {
        "sentence": f"The messages of {told['id']} end the P-CSCF.",
        "node": "P-CSCF",
        "set": {"robust.breaks_on": [pattern(one) for one in messages]},
    }
    for path, entry in ((root / CATALOGUE, [row]), (root / FAULTS, {fault: flaw})):
        _append(path, entry)
        written.append(path)
    return written


def pattern(message: bytes) -> str:
    """Return a regular expression for bytes that begin as this message does (all of it when it is short)."""
    head = "".join(f"\\x{byte:02x}" for byte in message[:MOST])
    return rf"\A{head}" + (r"\Z" if len(message) <= MOST else "")


def _append(path: Path, entry: object) -> None:
    old = path.read_text(encoding="utf-8") if path.is_file() else ""
    path.write_text(old + yaml.safe_dump(entry, sort_keys=False, width=1000), encoding="utf-8")
