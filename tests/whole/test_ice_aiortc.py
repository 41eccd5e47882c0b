"""The tester's ICE with another's: a whole RTCPeerConnection of aiortc (its ICE is aioice), on loopback."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aioice.ice
import pytest
from aiortc import RTCPeerConnection, RTCSessionDescription

from imsproof.actors.dcice import Checks
from imsproof.actors.dcpeer import DataChannelPeer, Ice
from imsproof.actors.signalling import Answered
from imsproof.codec.sdp import Sdp
from imsproof.judge.predicates.ice import check_answered, check_refused
from imsproof.link.loop import LoopThread
from imsproof.seams import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imsproof.link.session import Session

LISTED = b'{"applications": []}'


class AiortcPeer:
    """Signalling that hands offers to aiortc, which serves HTTP on stream 0."""

    local_address = "127.0.0.1"
    not_told = ""

    def __init__(self, session: Session, loop: LoopThread) -> None:
        self.session = session
        self.loop = loop
        self.connection: RTCPeerConnection | None = None

    def offer(self, offer: Sdp, label: str, *, method: str = "INVITE") -> Answered:
        offer.media[0].add_attr("mid", "0")
        answer = self.loop.run(self._answer(offer.to_bytes().decode()), 10)
        sdp = Sdp.parse(answer.replace("\r\n", "\n").replace("\n", "\r\n").encode())
        return Answered(record=self.session.record, exchange=self.session.exchange(label), sdp=sdp)

    async def _answer(self, sdp: str) -> str:
        self.connection = connection = RTCPeerConnection()
        channel = connection.createDataChannel("bootstrap", protocol="http", negotiated=True, id=0)
        head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(LISTED)
        channel.on("message", lambda _: channel.send(head + LISTED))
        await connection.setRemoteDescription(RTCSessionDescription(sdp, "offer"))
        await connection.setLocalDescription(await connection.createAnswer())
        return str(connection.localDescription.sdp)

    def end(self) -> None:
        if self.connection is not None:
            self.loop.run(self.connection.close(), 10)


@pytest.fixture
def aiortc_peer(session: Session, monkeypatch: pytest.MonkeyPatch) -> Iterator[AiortcPeer]:
    """aiortc on a loop of its own; aioice leaves loopback out, so that it is told of nothing else."""
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda **_: ["127.0.0.1"])
    loop = LoopThread(session.link.stop)
    peer = AiortcPeer(session, loop)
    yield peer
    peer.end()
    loop.close()


@pytest.mark.parametrize("ice", ["full", "lite"])
def test_an_association_comes_up_and_serves(session: Session, aiortc_peer: AiortcPeer, ice: Ice) -> None:
    call = DataChannelPeer(session, aiortc_peer, ice=ice).open("data channel")
    association = call.connect("association")
    assert association.connected, association.failed
    assert call.get(association).body == LISTED
    call.close()


def test_it_answers_right_checks_and_refuses_wrong_ones(session: Session, aiortc_peer: AiortcPeer) -> None:
    call = DataChannelPeer(session, aiortc_peer, ice="full").open("data channel")
    checks = Checks(call)
    right, wrong = checks.send("check"), checks.send("wrong", password="a guess")
    assert check_answered(session.record.events, exchange=right.exchange).outcome is Outcome.HOLDS
    assert check_refused(session.record.events, exchange=wrong.exchange).outcome is Outcome.HOLDS
    call.close()
