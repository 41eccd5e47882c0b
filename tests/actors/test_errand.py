"""Errands outside of the protocols: done, or said why not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.conftest import ShortTimers

from imsproof.actors.errand import run_errand
from imsproof.profile.hook import Release
from imsproof.seams import InconclusiveError

if TYPE_CHECKING:
    import socket
    from pathlib import Path

    from tests.conftest import Serve

    from imsproof.link.session import Session


def command(*words: str) -> Release:
    return Release.model_validate({"command": list(words)})


def test_a_command_is_run_with_its_values(session: Session, tmp_path: Path) -> None:
    run_errand(session, command("touch", f"{tmp_path}/{{impi}}"), {"impi": "ue01"}, "remove")
    assert (tmp_path / "ue01").exists()


def test_a_command_that_fails_decides_nothing(session: Session) -> None:
    for words in (["false"], ["/nowhere"]):
        with pytest.raises(InconclusiveError, match="remove: "):
            run_errand(session, command(*words), {}, "remove")


def test_a_command_that_does_not_end_is_ended(session: Session) -> None:
    session.link.timers = ShortTimers(call=0.2)
    with pytest.raises(InconclusiveError, match="did not end in time"):
        run_errand(session, command("sh", "-c", "sleep 3600; true"), {}, "remove")


@pytest.mark.parametrize("status", [204, 404])
def test_a_request_is_sent_and_must_be_accepted(session: Session, serve: Serve, status: int) -> None:
    got: list[bytes] = []

    def answer(connection: socket.socket) -> None:
        got.append(connection.recv(4096))
        connection.sendall(b"HTTP/1.1 %d Whatever\r\nContent-Length: 0\r\n\r\n" % status)

    host, port = serve(answer)
    what = Release.model_validate({"http": {"method": "DELETE", "url": f"http://{host}:{port}/users/{{impi}}"}})
    if status == 204:
        run_errand(session, what, {"impi": "a@b"}, "remove")
    else:
        with pytest.raises(InconclusiveError, match="answered 404"):
            run_errand(session, what, {"impi": "a@b"}, "remove")
    assert got[0].startswith(b"DELETE /users/a%40b ")
