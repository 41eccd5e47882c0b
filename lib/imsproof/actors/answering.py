"""A UE that takes every call by itself, while the testcase is busy calling."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from imsproof.codec.sdp import Sdp

if TYPE_CHECKING:
    from collections.abc import Callable

    from imsproof.actors.call import IncomingCall
    from imsproof.actors.ue import Ue

LONG_SECONDS = 3600.0


class Answering:
    """Takes each call that comes to a UE; ``taken`` holds them in order.

    Args:
        ue: whose calls.
        make: from the offer to the answer, or to the status that refuses; ``None`` refuses with 488.
    """

    def __init__(self, ue: Ue, make: Callable[[Sdp], Sdp | int | None]) -> None:
        self.taken: list[IncomingCall] = []
        self._ue = ue
        self._make = make
        self._arrived = asyncio.Event()
        self._task = ue.session.run(self._start())
        ue.session.own(self)

    async def _start(self) -> asyncio.Task[None]:
        return asyncio.create_task(self._serve())

    async def _serve(self) -> None:
        while True:
            incoming = await self._ue.await_invite(LONG_SECONDS)
            if incoming is None:
                continue
            self.taken.append(incoming)
            self._arrived.set()
            self._ue.transactions.later(self._decide(incoming))

    async def _decide(self, incoming: IncomingCall) -> None:
        answer = self._make(incoming.sdp or Sdp.parse(b"v=0\r\n"))
        if isinstance(answer, Sdp):
            await incoming.aanswer(answer.to_bytes())
        else:
            await incoming.arespond(answer or 488)

    def wait(self, number: int = 1, within: float | None = None) -> IncomingCall | None:
        """Wait until so many calls came in and return that one, or ``None`` when it did not come in time."""
        return self._ue.session.run(self._wait(number, self._ue.session.timers.call if within is None else within))

    async def _wait(self, number: int, within: float) -> IncomingCall | None:
        try:
            async with asyncio.timeout(within):
                while len(self.taken) < number:
                    self._arrived.clear()
                    await self._arrived.wait()
        except TimeoutError:
            return None
        return self.taken[number - 1]

    async def aclose(self) -> None:
        """Take no more calls."""
        self._task.cancel()
        await asyncio.wait([self._task])
