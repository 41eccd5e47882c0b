"""What the actors' tests share: the reference lab, and a SIP peer that does as it is told."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from imsproof.actors.call import CallSignalling
from imsproof.actors.dcpeer import DataChannelPeer
from imsproof.actors.nf import NfConsumer
from imsproof.actors.ue import Ue
from imsproof.codec import sip
from imsproof.lab.launch import launch
from imsproof.link.session import Link, Session
from imsproof.profile import Profile, load
from imsproof.profile.gm import Gm, Subscriber
from imsproof.seams import Address, Record

if TYPE_CHECKING:
    from imsproof.profile.sbi import Producer

ROOT = Path(__file__).parents[2]
K = bytes.fromhex("465b5ce8b199b49faa5f0a2ee238a6bc")
OPC = bytes.fromhex("cd63cb71954a9f4e48a5994e37a02baf")
Handler = Callable[[sip.Message], list[bytes]]


@pytest.fixture(scope="session")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Profile]:
    """The reference lab, started once; its profile."""
    with launch(tmp_path_factory.mktemp("lab")) as lab:
        yield load(ROOT / "profiles" / "reference.yaml", env=lab.environment)


@pytest.fixture
def lab(reference: Profile) -> Iterator[Session]:
    """A session with the limits and timers of the reference profile."""
    link = Link(scope_allows=reference.scope.allows, limits=reference.limits, timers=reference.timers)
    yield link.session(Record("TEST-01"))
    link.close()


@pytest.fixture
def consumer(lab: Session, reference: Profile) -> NfConsumer:
    """The authorised consumer of the reference lab."""
    assert reference.sbi
    return NfConsumer(lab, reference.sbi)


@pytest.fixture
def producer(consumer: NfConsumer) -> Producer:
    """The MF of the reference lab."""
    found = consumer.sbi.producer("nmf-mrm")
    assert found
    return found


@pytest.fixture
def caller(reference: Profile, lab: Session) -> DataChannelPeer:
    """A registered UE that calls the lab's far UE with data channels."""
    assert reference.gm is not None
    assert reference.far is not None
    ue = Ue(lab, reference.gm, reference.gm.subscribers[0])
    assert ue.register().ok
    return DataChannelPeer(lab, CallSignalling(ue, reference.far.uri))


class SipPeer:
    """A SIP node over UDP: answers each request with what its handler returns, and keeps what it got."""

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.handler: Handler = lambda message: [sip.response(message, 200, to_tag="t").to_bytes()]
        self.got: list[sip.Message] = []
        self.source: Address = ("", 0)
        self.arrived = threading.Condition()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def address(self) -> Address:
        host, port = self.socket.getsockname()
        return (host, port)

    def _serve(self) -> None:
        while True:
            data, self.source = self.socket.recvfrom(65536)
            if data == b"end":
                return
            message = sip.Message.parse(data)
            with self.arrived:
                self.got.append(message)
                self.arrived.notify_all()
            if message.is_request and message.method != "ACK":
                for answer in self.handler(message):
                    self.socket.sendto(answer, self.source)

    def wait_for(self, wanted: Callable[[sip.Message], bool], count: int = 1) -> list[sip.Message]:
        """Wait until so many messages of a kind came."""

        def found() -> list[sip.Message]:
            return [message for message in self.got if wanted(message)]

        with self.arrived:
            assert self.arrived.wait_for(lambda: len(found()) >= count, timeout=5), "it did not come"
            return found()

    def close(self) -> None:
        self.socket.sendto(b"end", self.address)
        self._thread.join(timeout=5)
        self.socket.close()


@pytest.fixture
def peer() -> Iterator[SipPeer]:
    """A SIP peer that accepts everything until it is told otherwise."""
    made = SipPeer()
    yield made
    made.close()


@pytest.fixture
def gm(peer: SipPeer) -> Gm:
    """A profile's part on Gm that leads to the peer."""
    host, port = peer.address
    return Gm.model_validate({"domain": "ims.example", "udp": f"{host}:{port}"})


def subscriber(**fields: Any) -> Subscriber:
    """A subscriber with AKA, unless the fields say otherwise."""
    known: dict[str, Any] = {"name": "a", "impi": "a@ims.example", "impus": ("sip:a@ims.example",)}
    if "password" not in fields:
        known |= {"k": K.hex(), "opc": OPC.hex()}
    return Subscriber.model_validate(known | fields)
