"""The P-CSCF's ESP associations over a raw socket."""

from __future__ import annotations

import asyncio
import dataclasses
import socket
import struct
import time
from typing import TYPE_CHECKING

import pytest

from imsproof.codec import esp, tcp, udp
from imsproof.codec.sip import request
from imsproof.engine.tcp import Tcp
from imsproof.lab.sip.agreement import Agreement, Agreements
from imsproof.lab.sip.associations import Associations
from imsproof.lab.sip.policy import SipPolicy
from imsproof.lab.sip.transport import Flow

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

HERE, UE = "127.77.3.10", "127.0.0.1"
CK, IK = bytes(16), bytes(range(16))
OFFER = "ipsec-3gpp;alg=hmac-sha-1-96;ealg=aes-cbc;spi-c=1001;spi-s=1002;port-c=20001;port-s=20002"


class World:
    """Associations with a policy that may change, what they received, and the UE's raw socket."""

    def __init__(self) -> None:
        self.policy = SipPolicy()
        self.got: asyncio.Queue[tuple[bytes, Flow]] = asyncio.Queue()
        self.associations = Associations(HERE, lambda: self.policy, lambda *what: self.got.put_nowait(what))
        self.raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, 50)
        self.raw.bind((UE, 0))
        self.raw.setblocking(False)
        self.agreement = self.agree()
        self.sequence = 1000

    @staticmethod
    def agree() -> Agreement:
        register = request("REGISTER", "sip:a", [("Security-Client", OFFER)])
        made = Agreements().propose(register, Flow("udp", (UE, 5060)), SipPolicy())
        assert made is not None
        return made

    def relax(self, **values: bool) -> None:
        self.policy = dataclasses.replace(SipPolicy(), **values)  # type: ignore[arg-type]

    def sa(self) -> esp.Association:
        assert self.agreement.own is not None
        spi = int(self.agreement.own.params["spi-s"] or 0)
        return esp.Association(spi, "hmac-sha-1-96", "aes-cbc", *esp.expand_keys("hmac-sha-1-96", "aes-cbc", CK, IK))

    def send(self, packet: bytes) -> None:
        self.raw.sendto(packet, (HERE, 0))

    def sealed(self, sequence: int, sa: esp.Association | None = None, ports: tuple[int, int] = (20001, 5066)) -> bytes:
        sa = sa or self.sa()
        datagram = udp.build((UE, ports[0]), (HERE, ports[1]), b"hello")
        return sa.seal(sequence, datagram, bytes(sa.iv_size))

    async def takes(self, packet: bytes) -> bool:
        """Whether a packet is taken; one that surely is follows it, so that nothing is waited for in vain."""
        self.send(packet)
        marker = self.sa()
        datagram = udp.build((UE, 20001), (HERE, 5066), b"marker")
        self.sequence += 1
        self.send(marker.seal(self.sequence, datagram, bytes(16)))
        first, _ = await asyncio.wait_for(self.got.get(), 5)
        if first == b"marker":
            return False
        await asyncio.wait_for(self.got.get(), 5)
        return True


def run(work: Callable[[World], Awaitable[None]]) -> None:
    try:
        socket.socket(socket.AF_INET, socket.SOCK_RAW, 50).close()
    except PermissionError:
        pytest.skip("no right to raw sockets")

    async def body() -> None:
        world = World()
        await world.associations.open()
        world.associations.make(world.agreement, "a@ims.example", UE, CK, IK)
        try:
            await work(world)
        finally:
            await world.associations.close()
            world.raw.close()

    asyncio.run(body())


def test_what_is_wrong_in_one_thing_is_dropped_unless_the_policy_is_lax() -> None:
    async def work(world: World) -> None:
        sa = world.sa()
        null = dataclasses.replace(sa, ealg="null", encryption_key=b"")
        numbers = iter(range(2000, 3000, 50))
        cases = {
            "check_icv": lambda n: world.sealed(n)[:-1] + bytes((world.sealed(n)[-1] ^ 1,)),
            "check_selectors": lambda n: world.sealed(n, ports=(40009, 5066)),
            "null_only_when_agreed": lambda n: world.sealed(n, null),
            "check_spi": lambda n: b"\0\0\x10\x01" + world.sealed(n)[4:],
        }
        world.sequence = number = next(numbers)
        assert await world.takes(world.sealed(number + 20))
        for name, make in cases.items():
            world.sequence = number = next(numbers)
            assert not await world.takes(make(number + 20)), name
            if name == "check_spi":
                continue  # the ICV covers the SPI, so that the packet must be sealed for the one that is guessed
            world.relax(**{name: False})
            world.sequence = number = next(numbers)
            assert await world.takes(make(number + 20)), name
            world.relax()

    run(work)


def test_a_replay_is_dropped() -> None:
    async def work(world: World) -> None:
        packet = world.sealed(990)
        assert await world.takes(packet)
        assert not await world.takes(packet)
        world.relax(check_replay=False)
        assert await world.takes(packet)

    run(work)


def test_what_goes_to_the_ue_is_sealed_for_its_spi() -> None:
    async def work(world: World) -> None:
        assert await world.takes(world.sealed(1))
        flow = Flow("", ("", 0))
        world.send(world.sealed(2000))
        _, flow = await asyncio.wait_for(world.got.get(), 5)
        found = world.associations.of_flow(flow)
        assert found is not None
        assert (found.impi, found.impus, flow.peer) == ("a@ims.example", (), (UE, 20002))
        flow.send(b"answer")
        data = await asyncio.wait_for(asyncio.get_running_loop().sock_recv(world.raw, 4096), 5)
        while esp.spi_of(data[20:]) != 1002:
            data = await asyncio.wait_for(asyncio.get_running_loop().sock_recv(world.raw, 4096), 5)
        opened = dataclasses.replace(world.sa(), spi=1002).open(data[20:])
        assert udp.parse(opened.payload) == (5064, 20002, b"answer")

    run(work)


def test_sets_are_settled_dropped_and_ended() -> None:
    async def work(world: World) -> None:
        sets = world.associations
        assert await world.takes(world.sealed(1))
        world.send(world.sealed(2000))
        first = sets.of_flow((await asyncio.wait_for(world.got.get(), 5))[1])
        assert first is not None
        sets.settle(first, ("sip:a@ims.example",), time.monotonic() + 60)
        world.agreement = world.agree()
        sets.make(world.agreement, "a@ims.example", UE, CK, IK)
        world.send(world.sealed(1))
        second = sets.of_flow((await asyncio.wait_for(world.got.get(), 5))[1])
        assert second is not None
        assert sets.of_flow(first.flow) is first
        sets.settle(second, ("sip:a@ims.example",), time.monotonic() + 60)
        assert sets.of_flow(first.flow) is None
        sets.end("somebody else")
        assert sets.of_flow(second.flow) is second
        sets.drop(second)
        assert sets.of_flow(second.flow) is None

    run(work)


def test_behind_a_nat_packets_come_and_go_in_udp() -> None:
    async def work(world: World) -> None:
        offer = OFFER.replace("port-c", "mod=UDP-enc-tun;port-c")
        made = Agreements().propose(
            request("REGISTER", "sip:a", [("Security-Client", offer)]), Flow("udp", (UE, 5060)), SipPolicy()
        )
        assert made is not None
        world.agreement = made
        world.associations.make(made, "a@ims.example", UE, CK, IK)
        packet = world.sa().seal(1, udp.tunnel((UE, 20001), (HERE, 5066), b"hello"), bytes(16), esp.IPV4)
        world.send(packet)  # not in UDP: dropped
        with (
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as nat,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger,
        ):
            for one in (nat, stranger):
                one.bind((UE, 0))
                one.settimeout(5)
            stranger.sendto(packet[:-1] + bytes((packet[-1] ^ 1,)), (HERE, esp.NAT_PORT))
            nat.sendto(packet, (HERE, esp.NAT_PORT))
            data, flow = await asyncio.wait_for(world.got.get(), 5)
            stranger.sendto(packet[:-1] + bytes((packet[-1] ^ 1,)), (HERE, esp.NAT_PORT))
            assert data == b"hello"
            flow.send(b"answer")
            opened = dataclasses.replace(world.sa(), spi=1002).open(nat.recv(4096))
            assert udp.untunnel(opened.payload) == (5064, 20002, b"answer")

    run(work)


def test_a_message_over_tcp_is_taken_and_answered_within_the_associations() -> None:
    async def work(world: World) -> None:
        assert world.agreement.own is not None
        loop, ue = asyncio.get_running_loop(), Tcp()
        ends = ((UE, 20001), (HERE, 5066))
        back = dataclasses.replace(world.sa(), spi=1001)

        def send(segments: list[tcp.Segment]) -> None:
            for one in segments:
                world.sequence += 1
                world.send(world.sa().seal(world.sequence, tcp.build(*ends, one), bytes(16), tcp.PROTOCOL))

        async def come() -> tuple[list[tcp.Segment], bytes]:
            while True:
                packet = (await asyncio.wait_for(loop.sock_recv(world.raw, 65535), 10))[20:]
                if esp.spi_of(packet) == back.spi:
                    return ue.take(tcp.parse(back.open(packet).payload)[2])

        send(ue.connect())
        send((await come())[0])
        message = request("OPTIONS", "sip:a", [("Content-Length", "0")]).to_bytes()
        send(ue.write(message))
        data, flow = await asyncio.wait_for(world.got.get(), 10)
        assert data == message
        assert world.associations.of_flow(flow) is not None
        flow.send(b"SIP/2.0 200 OK\r\n\r\n")
        answered = b""
        while not answered:
            answered = (await come())[1]
        assert answered == b"SIP/2.0 200 OK\r\n\r\n"

    run(work)


@pytest.mark.parametrize("dropped", [True, False])
def test_tcp_without_esp_on_the_protected_port_is_served_only_by_the_fault(dropped: bool) -> None:
    async def work(world: World) -> None:
        world.relax(drop_unprotected_streams=dropped)
        with socket.socket() as ours:
            ours.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            ours.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # leaves no TIME-WAIT
            ours.setblocking(False)
            ours.bind((UE, 20001))
            await asyncio.get_running_loop().sock_connect(ours, (HERE, 5066))
            await ask_in_clear(world, ours, dropped=dropped)

    run(work)


async def ask_in_clear(world: World, ours: socket.socket, *, dropped: bool) -> None:
    """Ask over a connection: the lab hangs up, or takes it."""
    loop = asyncio.get_running_loop()
    message = request("OPTIONS", "sip:a", [("Content-Length", "0")]).to_bytes()
    await loop.sock_sendall(ours, message)
    if dropped:
        assert await asyncio.wait_for(loop.sock_recv(ours, 100), 30) == b""
        assert world.got.empty()
    else:
        assert (await asyncio.wait_for(world.got.get(), 30))[0] == message
