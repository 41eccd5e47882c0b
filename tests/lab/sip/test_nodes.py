"""The nodes together; most of what they do is tested node by node."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    Drive = Callable[..., None]
    Lab = Any


def test_several_ues_register_side_by_side(drive: Drive) -> None:
    async def work(lab: Lab) -> None:
        ues = [await lab.ue(number) for number in range(1, 15)]
        await asyncio.gather(*(ue.register() for ue in ues))
        assert len(lab.nodes.scscf.registrar.registrations) == len(ues) + 1

    drive(work)
