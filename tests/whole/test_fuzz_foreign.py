"""Campaigns against a user agent that is not ours: what protects itself is not called dead, what breaks is named."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
from contextlib import closing, contextmanager, suppress
from itertools import chain, repeat
from pathlib import Path
from typing import TYPE_CHECKING, Self

import pytest

from imsproof.codec.torture import Aim
from imsproof.codec.torture.draft import Draft, header
from imsproof.fuzzing.campaign import Budget, Campaign
from imsproof.fuzzing.gmsip import GmSip
from imsproof.fuzzing.mutate import Mutator
from imsproof.fuzzing.target import MARK
from imsproof.fuzzing.watch import Condition, Watch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from imsproof.fuzzing.campaign import Case, Progress
    from imsproof.link.session import Session

ODD = Path(__file__).with_name("odd_ua.py")
HOST, OTHER = "127.0.0.1", "127.0.0.9"
SHRINK = 60.0
"""Seconds; more than finding the one message takes on a loaded machine."""


@pytest.fixture(autouse=True)
def whole_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Messages are not made smaller: that would take all the seconds there are, with a restart for each try."""
    monkeypatch.setattr("imsproof.fuzzing.campaign.minimise_bytes", lambda data, *_: data)


@contextmanager
def user_agent(kind: str, port: int = 0) -> Iterator[int]:
    """Run one; its whole process group is ended."""
    if not port:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
            free.bind((HOST, 0))
            port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, str(ODD), HOST, str(port), kind], stdout=subprocess.PIPE, process_group=0
    )
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == b"ready\n"
        yield port
    finally:
        process.stdout.close()
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def spoiled(method: str = "OPTIONS", text: str = "%n") -> bytes:
    draft = Draft(method, Aim(token="5" * 16))
    header("Subject", text)(draft)
    return draft.to_bytes()


def harmless(count: int) -> list[Case]:
    mutator = Mutator([Draft(name, Aim(token=MARK)).to_bytes() for name in ("REGISTER", "OPTIONS")], 1)
    return [("", data.replace(b"%n", b"")) for data, _ in zip(mutator, range(count), strict=False)]


def campaign(
    session: Session,
    port: int,
    source: Iterator[Case],
    cases: int,
    restart: Callable[[], bool] | None = None,
) -> Progress:
    target = GmSip(session, (HOST, port), lambda _: Aim(), random.Random(1), other=OTHER, within=1.0)
    with closing(target):
        watch = Watch(target, patience=5.0 if restart is None else 0.3)
        return Campaign(target, Budget(60.0, cases, shrink=SHRINK), restore=restart, watch=watch).run(source)


@pytest.mark.parametrize("kind", ["right", "strict", "throttles", "busy"])
def test_a_right_one_is_never_reported(session: Session, kind: str) -> None:
    with user_agent(kind) as port:
        done = campaign(session, port, iter(harmless(128)), 128)
    assert done.found == [], done.found
    assert done.cases == 128 or "throttles" in done.ended
    assert done.throttled > 0 or kind not in ("throttles", "busy")


@pytest.mark.parametrize(("kind", "harm"), [("restarts", Condition.RESTARTED), ("hangs", Condition.HUNG)])
def test_one_that_comes_back_by_itself_is_named_and_its_message_found(
    session: Session, kind: str, harm: Condition
) -> None:
    cases = harmless(8)
    cases[5] = ("the one", spoiled())
    with user_agent(kind) as port:
        done = campaign(session, port, iter(cases), 8)
    assert [one.harm for one in done.found] == [harm]
    assert done.found[0].confirmed
    assert len(done.found[0].messages) == 1
    assert b"%n" in done.found[0].messages[0]
    if kind == "hangs":
        assert 2.0 < done.found[0].seconds < 6.0


@pytest.mark.parametrize(("kind", "harm"), [("crashes", Condition.DEAD), ("fails", Condition.FAILING)])
def test_one_that_stays_broken_is_restarted_and_its_message_found(session: Session, kind: str, harm: Condition) -> None:
    cases = harmless(64)
    cases[40] = ("the one", spoiled("MESSAGE"))
    with Restarted(kind) as lab:
        done = campaign(session, lab.port, iter(cases), 64, lab.restart)
    assert [(one.harm, one.confirmed, one.alone) for one in done.found] == [(harm, True, True)]
    assert len(done.found[0].messages) == 1
    assert b"%n" in done.found[0].messages[0]


def test_two_steps_are_shrunk_to_two_messages(session: Session) -> None:
    steps = [("", spoiled("CANCEL", "x")), *harmless(30), ("", spoiled("BYE", "x")), *harmless(10)]
    with Restarted("two-steps") as lab:
        done = campaign(session, lab.port, chain(iter(steps), repeat(("", b"x"))), len(steps), lab.restart)
    assert [len(one.messages) for one in done.found] == [2]
    assert done.found[0].messages[0].startswith(b"CANCEL ")
    assert done.found[0].messages[1].startswith(b"BYE ")


class Restarted:
    """A user agent with what restarts it."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._run = user_agent(kind)
        self.port = 0

    def __enter__(self) -> Self:
        self.port = self._run.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._run.__exit__(None, None, None)

    def restart(self) -> bool:
        self._run.__exit__(None, None, None)
        self._run = user_agent(self.kind, self.port)
        self._run.__enter__()
        return True
