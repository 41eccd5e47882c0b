"""The hooks: a command, a URL, a log, and processes; each says what it saw, and only once."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from imsproof.fuzzing.health import Hooks, family, resident
from imsproof.fuzzing.watch import Condition
from imsproof.profile.kinds import Url
from imsproof.profile.model import Health

if TYPE_CHECKING:
    import socket
    from pathlib import Path

    from tests.conftest import Serve

    from imsproof.link.session import Session


def hooks(session: Session, **declared: Any) -> Hooks:
    return Hooks(Health.model_construct(**{**Health().__dict__, **declared}), session)


def test_a_lab_whose_hooks_are_well_is_well(session: Session, tmp_path: Path) -> None:
    log, pids = tmp_path / "lab.log", tmp_path / "pids"
    log.write_text("segfault of yesterday\n")
    pids.write_text(f"{os.getpid()}\n")
    made = hooks(session, log=log, pids=pids, command=("true",))
    assert made.begin() == ""
    log.write_text(log.read_text() + "all is well\n")
    assert made.look(urgent=True) is None


def test_a_new_line_of_the_log_is_told(session: Session, tmp_path: Path) -> None:
    log = tmp_path / "lab.log"
    log.write_text("start\n")
    made = hooks(session, log=log)
    made.begin()
    log.write_text("start\nkamailio[7]: segfault at 0\n")
    look = made.look()
    assert look is not None
    assert (look.condition, "segfault at 0" in look.why) == (Condition.UNWELL, True)
    assert made.look() is None
    log.write_text("core dumped\n")  # rotated
    assert made.look() is not None


def test_processes_that_change_are_a_restart(session: Session, tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    pids.write_text("1")
    made = hooks(session, pids=pids)
    made.begin()
    pids.write_text(str(os.getpid()))
    look = made.look()
    assert look is not None
    assert look.condition is Condition.RESTARTED
    assert made.look() is None


def test_memory_that_grows_is_told(session: Session, tmp_path: Path) -> None:
    told = tmp_path / "memory"
    told.write_text("memory: 100000\n")
    made = hooks(session, command=("cat", str(told)))
    made.begin()
    told.write_text("memory: 150000\n")
    assert made.look(urgent=True) is None
    told.write_text("memory: 250000\n")
    look = made.look(urgent=True)
    assert look is not None
    assert look.condition is Condition.GROWN


@pytest.mark.parametrize("command", [("false",), ("/nonexistent/command",)])
def test_a_command_that_fails_is_told(session: Session, command: tuple[str, ...]) -> None:
    assert "health command" in hooks(session, command=command).begin()


@pytest.mark.parametrize(("status", "well"), [(b"204 No Content", True), (b"503 Unavailable", False)])
def test_a_url_is_asked(session: Session, serve: Serve, status: bytes, well: bool) -> None:
    def answer(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\n\r\n")

    host, port = serve(answer)
    assert (hooks(session, http=Url("http", host, port, "/health")).begin() == "") is well


def test_memory_of_a_process_counts_its_children() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        assert child.pid in family(frozenset({os.getpid()}))
        assert resident(child.pid) > 0
        child.communicate(b"\n")
    assert resident(2**22 + 1) == 0
