"""What every node does with transactions."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from imsproof.codec import sip
from imsproof.lab.sip import node
from imsproof.lab.sip.nodes import SipNodes

if TYPE_CHECKING:
    from collections.abc import Callable

    Drive = Callable[..., None]
    Lab = Any


def test_a_next_hop_that_does_not_answer_is_408(drive: Drive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node, "ANSWER_SECONDS", 0.1)

    async def work(lab: Lab) -> None:
        caller, called = await lab.registered(1, 2)
        answer = await caller.ask(caller.write("MESSAGE", called.impu))
        assert answer.status == 408
        assert (await called.request()).method == "MESSAGE"

    drive(work)


def test_an_answer_with_an_impossible_status_is_dropped(drive: Drive) -> None:
    async def work(lab: Lab) -> None:
        caller, called = await lab.registered(1, 2)
        caller.send(caller.write("MESSAGE", called.impu))
        arrived = await called.request()
        answer = sip.response(arrived, 200, to_tag="b").to_bytes()
        called.send(answer.replace(b"SIP/2.0 200 OK", b"SIP/2.0 4294967301 better not break"))
        called.send(answer)
        assert (await caller.answer()).status == 200

    drive(work)


def test_an_answer_that_cannot_be_read_does_not_end_the_node(drive: Drive) -> None:
    async def work(lab: Lab) -> None:
        caller, called = await lab.registered(1, 2)
        caller.send(caller.invite(called.impu))
        arrived = await called.request()
        called.send(sip.response(arrived, 200, to_tag="b", headers=[("Record-Route", "<broken")]))
        assert (await caller.answer()).status == 500
        await (await lab.ue(3)).register()

    drive(work)


def test_an_address_in_use_is_said_and_nothing_stays_open(drive: Drive) -> None:
    async def work(lab: Lab) -> None:
        second = SipNodes(lab.prefix, lab.box, None, lab.control, None)
        with pytest.raises(OSError, match="use"):
            await second.start()
        await (await lab.ue(1)).register()

    drive(work)


def test_reset_forgets_registrations_and_calls(drive: Drive) -> None:
    async def work(lab: Lab) -> None:
        caller, called = await lab.registered(1, 2)
        await lab.nodes.reset()
        assert (await caller.ask(caller.invite(called.impu))).status == 403
        await caller.register()
        assert (await caller.ask(caller.invite(called.impu))).status == 480
        assert (await caller.ask(caller.invite("sip:far@ims.example"))).status == 200

    drive(work)


def test_work_beyond_the_bound_is_dropped(drive: Drive, monkeypatch: pytest.MonkeyPatch) -> None:
    async def work(lab: Lab) -> None:
        monkeypatch.setattr(node, "MAX_TASKS", 0)
        ue = await lab.ue(1)
        ue.send(ue.register_request())
        assert await ue.silent()
        monkeypatch.setattr(node, "MAX_TASKS", 100)
        await asyncio.sleep(0)
        await ue.register()

    drive(work)
