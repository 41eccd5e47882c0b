"""Datagrams thrown at a data-channel peer, from the port of the offer or from others; on the link's loop."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from imsproof.codec import stun
from imsproof.engine.dtls import DtlsEngine
from imsproof.engine.identity import make_identity
from imsproof.link.ice import facts_of
from imsproof.link.subject import RawAnswer
from imsproof.link.udp import UdpEndpoint
from imsproof.seams import Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imsproof.actors.dccall import DataChannelCall

MAX_ANSWERS = 1000


def first_flight() -> list[bytes]:
    """The first flight of a DTLS client that nobody knows: one datagram with a ClientHello."""
    engine = DtlsEngine("client", make_identity())
    engine.start()
    return engine.outgoing()


async def from_own_port(call: DataChannelCall, label: str, datagrams: Sequence[bytes]) -> RawAnswer:
    """Send datagrams from the port of the offer, without any association, and take what comes back until silence."""
    await call.find_peer()
    await call.drop()
    await call.udp.aclose()
    exchange = call.session.exchange(label)
    local, describe = call.udp.local, call.ice.describe if call.ice else None
    udp = await UdpEndpoint.open(call.session, call.actor, exchange, local=local, describe=describe)
    if call.ice:
        call.ice.attach(udp)
    try:
        return await _throw(call, udp, datagrams, {"injected": True})
    finally:
        await udp.aclose()
        call.udp = await UdpEndpoint.open(call.session, call.actor, exchange, local=local, quiet=True)


async def from_another_port(
    call: DataChannelCall, label: str, datagrams: Sequence[bytes], *, injected: bool = True
) -> RawAnswer:
    """Send datagrams from a port of their own, and take what comes back there until silence."""
    await call.find_peer()
    exchange = call.session.exchange(label)
    local = (call.udp.local[0], 0)
    udp = await UdpEndpoint.open(call.session, call.actor, exchange, local=local, describe=_described)
    try:
        return await _throw(call, udp, datagrams, {"injected": True} if injected else {})
    finally:
        await udp.aclose()


async def from_many_ports(call: DataChannelCall, label: str, count: int) -> RawAnswer:
    """Have a ClientHello come from each of ``count`` other ports; take what comes back until silence."""
    await call.find_peer()
    exchange = call.session.exchange(label)
    local = (call.udp.local[0], 0)
    sockets = [await UdpEndpoint.open(call.session, call.actor, exchange, local=local) for _ in range(count)]
    answer = RawAnswer(record=call.session.record, exchange=exchange)
    try:
        for udp in sockets:
            await udp.send(first_flight()[0], call.need_peer().where, facts={"injected": True})
        await asyncio.sleep(call.session.timers.silence)
        answer.data = tuple(datagram for udp in sockets for datagram, _ in udp.drain())
    finally:
        for udp in sockets:
            await udp.aclose()
    return answer


async def _throw(
    call: DataChannelCall, udp: UdpEndpoint, datagrams: Sequence[bytes], marked: dict[str, Any]
) -> RawAnswer:
    answer = RawAnswer(record=call.session.record, exchange=udp.exchange)
    for datagram in datagrams:
        await udp.send(datagram, call.need_peer().where, facts={**_described(datagram)[1], **marked})
    while len(answer.data) < MAX_ANSWERS and (found := await udp.receive(call.session.timers.silence)) is not None:
        answer.data = (*answer.data, found[0])
    call.session.emit(
        Kind.COUNTED,
        call.actor,
        udp.exchange,
        transport="udp",
        facts={
            "sent": len(datagrams),
            "sent_bytes": sum(map(len, datagrams)),
            "received": len(answer.data),
            "bytes": sum(map(len, answer.data)),
        },
    )
    return answer


def _described(data: bytes) -> tuple[str, dict[str, Any]]:
    """Conversation (the socket's own) and facts of a datagram."""
    return "", facts_of(data) if stun.is_stun(data) else {}
