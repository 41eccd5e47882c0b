"""Hold the sources against the rooms of ARCHITECTURE.md: who imports whom, and who may open sockets.

The table in ARCHITECTURE.md is the rule; this script only reads it. Exit status 1 when something breaks it.
"""

from __future__ import annotations

import ast
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "imsproof"
ANYTHING = "*"

SOCKET_ROOMS = frozenset({"link", "lab"})
"""Where sockets may be opened: the tester's one door, and the lab, which is a process of its own."""

SOCKET_MODULES = (
    "aiohttp",
    "aioice",
    "ftplib",
    "http.client",
    "http.server",
    "httpcore",
    "httpx",
    "multiprocessing.connection",
    "requests",
    "scapy.sendrecv",
    "scapy.supersocket",
    "smtplib",
    "socket",
    "socketserver",
    "ssl",
    "urllib.request",
    "urllib3",
    "xmlrpc",
)
SOCKET_NAMES = frozenset(
    {
        "RTCIceGatherer",
        "RTCIceTransport",
        "RTCPeerConnection",
        "create_connection",
        "create_datagram_endpoint",
        "create_server",
        "create_unix_connection",
        "create_unix_server",
        "open_connection",
        "open_unix_connection",
        "sock_connect",
        "sock_sendto",
        "start_server",
        "start_unix_server",
    }
)
"""asyncio's and aiortc's ways to a socket, by name, whatever they are called on."""
SCAPY_SENDERS = frozenset(
    {"AsyncSniffer", "send", "sendp", "sendpfast", "sniff", "sr", "sr1", "srp", "srp1", "srflood"}
)


@dataclass(frozen=True, slots=True)
class Breach:
    """One import or call that the plan does not allow."""

    path: Path
    line: int
    text: str

    def __str__(self) -> str:
        """One line, as compilers write them."""
        return f"{self.path}:{self.line}: {self.text}"


def rooms(architecture: str) -> dict[str, frozenset[str]]:
    """Read the table of rooms: for each room, which rooms it may import.

    Raises:
        ValueError: the page has no such table.
    """
    table: dict[str, frozenset[str]] = {}
    for line in architecture.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if len(cells) != 3 or not cells[0].startswith("`"):
            continue
        allowed = {"nothing of ours": frozenset[str](), "all": frozenset({ANYTHING})}.get(cells[2])
        if allowed is None:
            allowed = frozenset(name.strip(" `/").removesuffix(".py") for name in cells[2].split(","))
        for name in re.findall(r"`([\w.]+)/?`", cells[0]):
            table[name.removesuffix(".py")] = allowed
    if not table:
        raise ValueError("ARCHITECTURE.md has no table of rooms")
    return table


def check(path: Path, source: str, room: str, allowed: Mapping[str, frozenset[str]]) -> Iterator[Breach]:
    """Check one source file that belongs to a room."""
    if room not in allowed:
        yield Breach(path, 1, f"room {room} is not in the table of ARCHITECTURE.md")
        return
    tree = ast.parse(source, str(path))
    for line, module in imports(tree):
        target = room_of(module)
        if target not in {"", room} and not {target, ANYTHING} & allowed[room]:
            yield Breach(path, line, f"{room} may not import {target} ({module})")
    if room not in SOCKET_ROOMS:
        for line, what in sockets(tree):
            yield Breach(path, line, f"{what} opens sockets; only {' and '.join(sorted(SOCKET_ROOMS))} may")


def imports(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Walk over the modules that are imported, wherever the import stands, with their lines."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                yield node.lineno, f"{PACKAGE}.(relative)"
            elif node.module == PACKAGE:
                for alias in node.names:
                    yield node.lineno, f"{PACKAGE}.{alias.name}"
            elif node.module:
                yield node.lineno, node.module


def room_of(module: str) -> str:
    """Name the room of an imported module: ``""`` when it is not ours, or is the package's own version."""
    steps = module.split(".")
    return steps[1] if steps[0] == PACKAGE and len(steps) > 1 and not steps[1].startswith("__") else ""


def sockets(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Find the ways to a socket: modules, and names of asyncio, aiortc and scapy."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [(alias.name, "") for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [(node.module or "", alias.name) for alias in node.names]
        else:
            if isinstance(node, ast.Attribute) and node.attr in SOCKET_NAMES:
                yield node.lineno, node.attr
            continue
        for module, name in names:
            full = f"{module}.{name}" if name else module
            banned = any(full == entry or full.startswith(f"{entry}.") for entry in SOCKET_MODULES)
            sender = module.split(".")[0] == "scapy" and name in SCAPY_SENDERS | {"*"}
            if banned or sender or name in SOCKET_NAMES:
                yield node.lineno, full


def main(root: Path = ROOT) -> int:
    """Check every source file; print the breaches; return the exit status."""
    allowed = rooms((root / "ARCHITECTURE.md").read_text())
    package = root / "lib" / PACKAGE
    found: list[Breach] = []
    count = 0
    for path in sorted(package.rglob("*.py")):
        room = path.relative_to(package).parts[0].removesuffix(".py")
        if room == "__init__":
            continue
        count += 1
        found += check(path.relative_to(root), path.read_text(), room, allowed)
    for path in sorted((root / "testcases").rglob("*.py")):
        count += 1
        found += (
            Breach(path.relative_to(root), line, f"{what} opens sockets; testcases speak through actors")
            for line, what in sockets(ast.parse(path.read_text(), str(path)))
        )
    for breach in found:
        print(breach)
    print(f"imports: {count} files, {len(found)} against the plan")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
