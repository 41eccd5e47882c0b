"""The border node between the S-CSCF and a far network."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from imsproof.codec import sip

if TYPE_CHECKING:
    from collections.abc import Callable

    Drive = Callable[..., None]
    Lab = Any


class Far(asyncio.DatagramProtocol):
    """The far network's socket."""

    def __init__(self) -> None:
        self.came: asyncio.Queue[sip.Message] = asyncio.Queue()

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: object) -> None:
        self.came.put_nowait(sip.Message.parse(data))


async def behind(lab: Lab, host: int) -> Far:
    loop = asyncio.get_running_loop()
    _, far = await loop.create_datagram_endpoint(Far, local_addr=(f"{lab.prefix}.{host + 100}", 5060))
    return far


def test_a_call_to_a_far_network_shows_no_inner_node_and_its_answer_comes_back(drive: Drive) -> None:
    async def work(lab: Lab) -> None:
        (caller,) = await lab.registered(1)
        far = await behind(lab, 16)
        try:
            caller.send(caller.invite("sip:b@far-b.example"))
            arrived = await asyncio.wait_for(far.came.get(), 5)
            for inner in (10, 20, 30):
                assert f"{lab.prefix}.{inner}".encode() not in arrived.to_bytes()
            headers = [("Contact", f"<sip:b@{lab.prefix}.116>")]
            answer = sip.response(arrived, 200, headers=headers, to_tag="f", record_route=True)
            far.transport.sendto(answer.to_bytes(), (f"{lab.prefix}.16", 5060))
            got = await caller.answer()
            assert got.status == 200
            assert f"{lab.prefix}.20" in " ".join(got.values("Record-Route"))
        finally:
            far.transport.close()

    drive(work)


def test_strangers_and_routes_to_other_nodes_are_refused(drive: Drive) -> None:
    async def work(lab: Lab) -> None:
        stranger = await lab.ue(1)
        stranger.send(stranger.write("MESSAGE", stranger.impu), (f"{lab.prefix}.16", 5060))
        assert (await stranger.answer()).status == 403
        far = await behind(lab, 16)
        try:
            route = [("Route", f"<sip:{lab.prefix}.30;lr>")]
            inward = stranger.write("MESSAGE", stranger.impu, route, Via="SIP/2.0/UDP x;branch=z9hG4bKi")
            far.transport.sendto(inward.to_bytes(), (f"{lab.prefix}.16", 5060))
            assert (await asyncio.wait_for(far.came.get(), 5)).status == 404
        finally:
            far.transport.close()

    drive(work)
