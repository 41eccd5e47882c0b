"""Leases: what one worker holds no other gets, and the kernel gives back what a killed worker held."""

from __future__ import annotations

import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from imsproof.leases import LeaseConflictError, Leases, labs_to_itself
from imsproof.seams import InconclusiveError, StoppedError

if TYPE_CHECKING:
    from pathlib import Path


def test_two_holders_get_different_things(tmp_path: Path) -> None:
    with Leases(tmp_path) as one, Leases(tmp_path) as other:
        assert one.take("subscriber", ["a", "b"]) == ["a"]
        assert other.take("subscriber", ["a", "b"]) == ["b"]


def test_what_is_given_back_can_be_taken(tmp_path: Path) -> None:
    with Leases(tmp_path) as one:
        one.take("subscriber", ["a"])
    with Leases(tmp_path) as other:
        assert other.take("subscriber", ["a"]) == ["a"]


def test_more_than_there_are_is_said_at_once(tmp_path: Path) -> None:
    with Leases(tmp_path) as one, pytest.raises(InconclusiveError, match="has 1 left"):
        one.take("subscriber", ["a"], 2)


def test_what_the_purpose_holds_itself_does_not_count_as_left(tmp_path: Path) -> None:
    with Leases(tmp_path) as one:
        one.take("subscriber", ["a", "b"])
        assert one.take("subscriber", ["a", "b"]) == ["b"]
        with pytest.raises(InconclusiveError, match="has 0 left"):
            one.take("subscriber", ["a", "b"])


def test_two_that_hold_and_wait_for_each_other_are_told_so_and_alone_each_gets_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("imsproof.leases.HOLD_SECONDS", 0.1)
    with Leases(tmp_path) as one, Leases(tmp_path) as other:
        one.share()
        other.share()
        one.take("subscriber", ["a"])
        other.take("subscriber", ["b"])
        with pytest.raises(LeaseConflictError):
            one.take("subscriber", ["a", "b"])
        one.release()
        other.release()
        one.alone()
        assert one.take("subscriber", ["a", "b"], 2) == ["a", "b"]


def test_waiting_heeds_the_stop_switch(tmp_path: Path) -> None:
    stopped = threading.Event()
    with Leases(tmp_path) as one, Leases(tmp_path, stopped.is_set) as other:
        one.take("subscriber", ["a"])
        stopped.set()
        with pytest.raises(StoppedError):
            other.take("subscriber", ["a"])


HOLDER = """
import sys
from pathlib import Path
from imsproof.leases import Leases
leases = Leases(Path(sys.argv[1]))
leases.take("subscriber", ["a"])
print("held", flush=True)
sys.stdin.read()
"""


def test_the_kernel_gives_back_what_a_killed_worker_held(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    process.kill()
    process.communicate()
    with Leases(tmp_path) as one:
        assert one.take("subscriber", ["a"]) == ["a"]


def test_alone_waits_for_those_who_share(tmp_path: Path) -> None:
    order: list[str] = []
    with Leases(tmp_path) as shared:
        shared.share()

        def alone() -> None:
            with Leases(tmp_path) as other:
                other.alone()
                order.append("alone")

        thread = threading.Thread(target=alone)
        thread.start()
        order.append("shared ends")
        shared.release()
        thread.join(10)
    assert order == ["shared ends", "alone"]


def test_what_was_not_used_for_longest_comes_first(tmp_path: Path) -> None:
    """What one purpose leaves behind in a lab does not pile up on the first subscriber."""
    seen = []
    for _ in range(4):
        with Leases(tmp_path) as leases:
            seen += leases.take("subscriber", ["a", "b", "c"])
    assert seen == ["a", "b", "c", "a"]


def test_a_second_run_at_one_lab_is_told_and_waits_for_the_end_of_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    told: list[str] = []
    waits, inside = threading.Event(), threading.Event()

    def waiting(name: str) -> None:
        told.append(name)
        waits.set()

    def second() -> None:
        with labs_to_itself(["[::1]:1", "127.0.0.1:2"], waiting):
            inside.set()

    with labs_to_itself(["127.0.0.1:2", "127.0.0.1:3"], told.append):
        thread = threading.Thread(target=second)
        thread.start()
        assert waits.wait(30)
        assert not inside.is_set()
    thread.join(30)
    assert inside.is_set()
    assert told == ["127.0.0.1:2"]


def test_where_no_lock_can_be_had_nobody_is_kept_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path / "nowhere"))
    with labs_to_itself(["127.0.0.1:2"], print), labs_to_itself(["127.0.0.1:2"], print):
        pass
