"""One asyncio loop in a background thread: synchronous callers hand it coroutines and wait.

Source: docs/decisions/0002-one-loop.md.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from imsproof.seams import HarnessError, StoppedError

if TYPE_CHECKING:
    from collections.abc import Coroutine

T = TypeVar("T")

POLL_SECONDS = 0.05
"""How often a waiting caller looks at the stop switch."""
CANCEL_SECONDS = 0.5
"""How long a cancelled coroutine may take to tidy up before its caller goes on without it."""


class LoopThread:
    """An asyncio loop that runs in a daemon thread of its own until :meth:`close`.

    Attributes:
        stop: the stop switch; once it is set, every waiting :meth:`run` ends with ``StoppedError``.
    """

    def __init__(self, stop: threading.Event | None = None) -> None:
        """Start the thread; it is ready when this returns."""
        self.stop = stop or threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, name="imsproof-loop", daemon=True)
        self._thread.start()

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The loop itself, for code that already runs on it."""
        return self._loop

    @property
    def closed(self) -> bool:
        """Whether :meth:`close` was called."""
        return self._loop.is_closed()

    def run(self, coroutine: Coroutine[Any, Any, T], timeout: float | None = None, *, heed_stop: bool = True) -> T:
        """Run a coroutine on the loop and return what it returns.

        Args:
            coroutine: what to run.
            timeout: a safety net in seconds; the coroutine's own timers should end it earlier.
            heed_stop: ``False`` for tidying up, which must go on after the stop switch was thrown.

        Raises:
            StoppedError: the stop switch was thrown.
            HarnessError: the safety net caught it, or the loop is closed, or the caller is the loop itself.
        """
        if self._loop.is_closed() or threading.current_thread() is self._thread:
            coroutine.close()
            where = "is closed" if self._loop.is_closed() else "cannot wait for itself"
            raise HarnessError(f"the link's loop {where}: call this from a testcase, before the link is closed")
        future = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        left = float("inf") if timeout is None else timeout
        try:
            while not future.done():
                if heed_stop and self.stop.is_set():
                    raise StoppedError("the stop switch was thrown; nothing more is sent")
                if left <= 0:
                    raise HarnessError(f"an operation of the link did not end within its safety net of {timeout} s")
                step = min(POLL_SECONDS, left)
                with suppress(TimeoutError, concurrent.futures.CancelledError):
                    future.exception(step)
                left -= step
        finally:
            if not future.done():
                future.cancel()
                self._settle()
        return future.result()

    def _settle(self) -> None:
        """Give cancelled coroutines one chance to run their ``finally`` blocks."""
        done = threading.Event()
        self._loop.call_soon_threadsafe(done.set)
        done.wait(CANCEL_SECONDS)

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()
        pending = asyncio.all_tasks(self._loop)
        for task in pending:
            task.cancel()
        if pending:
            self._loop.run_until_complete(asyncio.wait(pending, timeout=CANCEL_SECONDS))
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()

    def close(self) -> None:
        """Cancel what still runs, stop the loop and wait for the thread; a second call does nothing."""
        if self._loop.is_closed():
            return
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=5)
