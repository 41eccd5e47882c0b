"""The control channel: one JSON object a line, an answer to each, whatever the line holds."""

from __future__ import annotations

import asyncio
import json
import stat
from typing import TYPE_CHECKING, Any

from imsproof.lab.control import ControlServer

if TYPE_CHECKING:
    from pathlib import Path


async def operate(request: dict[str, Any]) -> dict[str, Any]:
    if request.get("op") == "state":
        return {"faults": []}
    raise ValueError("no such op")


def talk(path: Path, *lines: bytes) -> list[dict[str, Any]]:
    async def scenario() -> list[dict[str, Any]]:
        server = ControlServer(path, operate)
        await server.start()
        answers: list[dict[str, Any]] = []
        for line in lines:
            reader, writer = await asyncio.open_unix_connection(path)
            writer.write(line)
            writer.write_eof()
            answers += [json.loads(answer) for answer in (await reader.read()).splitlines()]
            writer.close()
        modes.append(stat.S_IMODE(path.stat().st_mode))  # noqa: ASYNC240 - a test may block its own loop
        await server.stop()
        return answers

    modes: list[int] = []
    answers = asyncio.run(scenario())
    assert modes == [0o600]
    assert not path.exists()
    return answers


def test_each_request_is_answered_in_order(tmp_path: Path) -> None:
    answers = talk(tmp_path / "c", b'{"op":"state"}\n{"op":"nope"}\n{"op":"state"}\n')
    ok = {"ok": True, "faults": []}
    assert answers == [ok, {"ok": False, "error": "no such op"}, ok]


def test_what_is_no_request_is_answered_with_an_error(tmp_path: Path) -> None:
    for line in (b"\n", b"[]\n", b"\xff\n", b"{\n", b"[" * 60_000 + b"\n"):
        (answer,) = talk(tmp_path / "c", line)
        assert not answer["ok"]


def test_a_line_without_end_ends_the_connection_only(tmp_path: Path) -> None:
    assert talk(tmp_path / "c", b"x" * 200_000, b'{"op":"state"}\n') == [{"ok": True, "faults": []}]
