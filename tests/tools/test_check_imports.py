"""The import rule finds what it must, and nothing else."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def rule() -> Iterator[ModuleType]:
    spec = importlib.util.spec_from_file_location("check_imports", ROOT / "tools" / "check_imports.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "check_imports", module)  # its dataclass looks its own module up
        spec.loader.exec_module(module)
        yield module


TABLE = """
| room | subject | may import |
| --- | --- | --- |
| `seams.py` | plain data | nothing of ours |
| `codec/` | bytes | nothing of ours |
| `link/` | sockets | codec, seams |
| `plugin.py`, `cli.py` | everything | all |
"""


def breaches(rule: ModuleType, room: str, source: str) -> list[str]:
    return [breach.text for breach in rule.check(Path("x.py"), source, room, rule.rooms(TABLE))]


def test_the_table_is_read_from_the_architecture_page(rule: ModuleType) -> None:
    assert rule.rooms(TABLE) == {
        "seams": frozenset(),
        "codec": frozenset(),
        "link": {"codec", "seams"},
        "plugin": {"*"},
        "cli": {"*"},
    }


def test_a_page_without_a_table_is_an_error(rule: ModuleType) -> None:
    with pytest.raises(ValueError, match="no table"):
        rule.rooms("# Architecture\n")


def test_the_projects_own_page_has_the_table(rule: ModuleType) -> None:
    table = rule.rooms((ROOT / "ARCHITECTURE.md").read_text())
    assert table["codec"] == frozenset()
    assert "link" in table["actors"]


@pytest.mark.parametrize(
    "source",
    [
        "import imsproof.link.tls",
        "from imsproof.link import tls",
        "from imsproof import link",
        "def later():\n    from imsproof.link.tls import connect",
        "from . import something",
    ],
)
def test_an_import_from_a_room_that_is_not_allowed_is_found(rule: ModuleType, source: str) -> None:
    assert len(breaches(rule, "codec", source)) == 1


@pytest.mark.parametrize(
    "source",
    [
        "import imsproof.codec.sip",
        "from imsproof.seams import Event",
        "from imsproof import __version__",
        "import json",
    ],
)
def test_an_import_that_the_table_allows_is_left_alone(rule: ModuleType, source: str) -> None:
    assert breaches(rule, "link", source) == []


def test_a_room_that_is_not_in_the_table_is_found(rule: ModuleType) -> None:
    assert breaches(rule, "attic", "") == ["room attic is not in the table of ARCHITECTURE.md"]


@pytest.mark.parametrize(
    "source",
    [
        "import socket",
        "from urllib import request",
        "import http.client as h",
        "import asyncio\nasyncio.open_connection('a', 1)",
        "loop.create_datagram_endpoint(f)",
        "from aiortc import RTCPeerConnection",
        "from scapy.all import *",
        "from scapy.all import sr1",
        "import httpx",
    ],
)
def test_a_way_to_a_socket_outside_the_door_is_found(rule: ModuleType, source: str) -> None:
    assert any("opens sockets" in text for text in breaches(rule, "plugin", source))


@pytest.mark.parametrize(
    "source", ["from scapy.layers.inet import IP", "from urllib.parse import quote", "import http"]
)
def test_what_only_sounds_like_a_socket_is_left_alone(rule: ModuleType, source: str) -> None:
    assert breaches(rule, "plugin", source) == []


def test_the_door_itself_may_open_sockets(rule: ModuleType) -> None:
    assert breaches(rule, "link", "import socket, ssl") == []


def test_a_whole_tree_is_checked_and_the_exit_status_says_how_it_went(
    rule: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "ARCHITECTURE.md").write_text(TABLE)
    codec = tmp_path / "lib" / "imsproof" / "codec"
    codec.mkdir(parents=True)
    (codec / "sip.py").write_text("import re\n")
    assert rule.main(tmp_path) == 0
    (codec / "sip.py").write_text("import re\nimport socket\n")
    assert rule.main(tmp_path) == 1
    assert "lib/imsproof/codec/sip.py:2: socket opens sockets" in capsys.readouterr().out
