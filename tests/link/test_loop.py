"""The background loop: results, errors, the safety net, the stop switch."""

from __future__ import annotations

import asyncio
import threading

import pytest

from imsproof.link.loop import LoopThread
from imsproof.seams import HarnessError, StoppedError


async def forever() -> None:
    await asyncio.Event().wait()


def test_a_coroutine_runs_in_the_loops_thread_and_its_result_comes_back() -> None:
    async def who() -> str:
        return threading.current_thread().name

    loop = LoopThread()
    assert loop.run(who()) == "imsproof-loop"
    loop.close()


def test_an_exception_reaches_the_caller() -> None:
    async def fail() -> None:
        raise KeyError("x")

    loop = LoopThread()
    with pytest.raises(KeyError):
        loop.run(fail())
    loop.close()


def test_the_safety_net_ends_a_wait_and_cancels_the_coroutine() -> None:
    cancelled = threading.Event()

    async def wait() -> None:
        try:
            await forever()
        finally:
            cancelled.set()

    loop = LoopThread()
    with pytest.raises(HarnessError, match="safety net"):
        loop.run(wait(), 0.1)
    assert cancelled.wait(2)
    loop.close()


def test_the_stop_switch_ends_a_wait_that_has_begun() -> None:
    loop = LoopThread()
    began = threading.Event()

    async def wait() -> None:
        began.set()
        await forever()

    def throw() -> None:
        began.wait(2)
        loop.stop.set()

    thrower = threading.Thread(target=throw)
    thrower.start()
    with pytest.raises(StoppedError):
        loop.run(wait(), 30)
    thrower.join()
    loop.close()


def test_tidying_up_goes_on_after_the_stop_switch() -> None:
    async def tidy() -> int:
        await asyncio.sleep(0)
        return 7

    loop = LoopThread()
    loop.stop.set()
    assert loop.run(tidy(), heed_stop=False) == 7
    loop.close()


def test_a_closed_loop_says_so_and_closing_twice_is_harmless() -> None:
    loop = LoopThread()
    loop.close()
    loop.close()
    with pytest.raises(HarnessError, match="closed"):
        loop.run(forever())


def test_a_task_that_still_runs_is_cancelled_at_close() -> None:
    ended = threading.Event()

    async def leave_behind() -> asyncio.Task[None]:
        async def wait() -> None:
            try:
                await forever()
            finally:
                ended.set()

        task = asyncio.create_task(wait())
        await asyncio.sleep(0)
        return task

    loop = LoopThread()
    loop.run(leave_behind())
    loop.close()
    assert ended.is_set()


def test_the_loop_refuses_to_wait_for_itself() -> None:
    loop = LoopThread()

    async def inside() -> None:
        loop.run(forever())

    with pytest.raises(HarnessError, match="cannot wait for itself"):
        loop.run(inside())
    loop.close()
