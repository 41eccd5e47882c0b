"""The IMS-AGW's message legs: TLS outside, TCP inside, and nothing of the one in the other's description."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from tests.lab.media.msrp.bench import OTHER, UE, Ue, box, offer, running

from imsproof.codec.sdp import Sdp
from imsproof.lab.media.errors import MediaRefusedError
from imsproof.lab.media.msrp.endpoint import MsrpEndpoint
from imsproof.lab.media.msrp.gateway import MessageGateway

if TYPE_CHECKING:
    from imsproof.engine.identity import Identity

FAR, AGW = "127.0.77.92", "127.0.77.80"


def asking(identity: Identity | None = UE) -> bytes:
    sdp = offer(identity)
    sdp.media[0].add_attr("3ge2ae", "requested")
    return sdp.to_bytes()


def through(identity: Identity | None, **msrp: Any) -> tuple[Sdp, Sdp, int]:
    """The core's offer, the UE's answer, and the status of a message that goes through."""

    async def inner() -> tuple[Sdp, Sdp, int]:
        policy = box(**msrp)
        gateway = MessageGateway(AGW, policy)
        async with running(MsrpEndpoint(FAR, policy)) as far:
            core = Sdp.parse(await gateway.offer_from_access("call", asking()))
            section = far.answer("call", core, core.media[0])
            far_answer = Sdp(core.session, [section])
            far_answer.session.connection = FAR
            answer = Sdp.parse(await gateway.answer_to_access("call", far_answer.to_bytes()))
            line = answer.media[0]
            peer = await Ue.connect(line.connection or "", line.port, identity)
            status = await peer.ask(line.attr("path") or "")
            await gateway.reset()
            return core, answer, status

    return asyncio.run(inner())


def test_a_message_goes_through_and_nothing_of_the_access_leg() -> None:
    core, answer, status = through(UE)
    assert status == 200
    assert core.media[0].proto == "TCP/MSRP"
    assert core.media[0].attr("3ge2ae") is core.media[0].attr("fingerprint") is None
    line = answer.media[0]
    assert (line.proto, line.connection, line.attr("setup")) == ("TCP/TLS/MSRP", AGW, "passive")
    assert line.attr("msrp-cema") is not None


@pytest.mark.parametrize(
    ("identity", "policy", "status"),
    [
        (OTHER, {}, 0),
        (None, {}, 0),
        (OTHER, {"agw_check_fingerprint": False}, 200),
        (None, {"agw_plain_accepted": True}, 200),
    ],
)
def test_who_is_not_the_offerer_gets_through_by_fault_alone(
    identity: Identity | None, policy: dict[str, Any], status: int
) -> None:
    assert through(identity, **policy)[2] == status


def test_what_asks_for_nothing_passes_untouched_and_no_fingerprint_is_refused() -> None:
    async def inner() -> None:
        gateway = MessageGateway(AGW, box())
        untouched = offer().to_bytes()
        assert await gateway.offer_from_access("call", untouched) == untouched
        with pytest.raises(MediaRefusedError):
            await gateway.offer_from_access("call", asking(None))
        kept = MessageGateway(AGW, box(attributes_stripped=False))
        assert b"3ge2ae" in await kept.offer_from_access("call", asking())
        await kept.release("call")

    asyncio.run(inner())


def test_before_the_core_answered_there_is_nowhere_to_go() -> None:
    async def inner() -> None:
        gateway = MessageGateway(AGW, box())
        await gateway.offer_from_access("call", asking())
        port = next(iter(gateway._legs["call"].values())).port
        peer = await Ue.connect(AGW, port)
        assert await peer.ask("msrp://nobody:1/x;tcp") == 0
        await Ue.close_all()
        await gateway.reset()

    asyncio.run(inner())
