"""What the data-channel peer offers, and what it knows of the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imsproof.actors.dcpeer import DataChannelPeer
from imsproof.actors.signalling import Answered
from imsproof.codec.sdp import Sdp
from imsproof.engine.identity import make_identity

if TYPE_CHECKING:
    from imsproof.link.session import Session

ANSWER = """v=0\r
o=- 1 1 IN IP4 127.0.0.1\r
s=-\r
c=IN IP4 127.0.0.1\r
t=0 0\r
m=application 4000 UDP/DTLS/SCTP webrtc-datachannel\r
a=setup:active\r
a=fingerprint:sha-256 {}\r
"""


class Told:
    """Signalling that answers every offer with the same."""

    local_address = "127.0.0.1"

    not_told = ""

    def __init__(self, session: Session, answer: str) -> None:
        self.session = session
        self.answer = answer
        self.offers: list[Sdp] = []

    def offer(self, offer: Sdp, label: str, *, method: str = "INVITE") -> Answered:
        self.offers.append(offer)
        exchange = self.session.exchange(label)
        return Answered(record=self.session.record, exchange=exchange, sdp=Sdp.parse(self.answer.encode()))

    def end(self) -> None:
        """Nothing was begun."""


def test_an_offer_announces_the_peers_own_socket_and_certificate(lab: Session) -> None:
    signalling = Told(lab, ANSWER.format(make_identity().sha256))
    peer = DataChannelPeer(lab, signalling)
    call = peer.open("offer")
    [section] = signalling.offers[0].media
    assert section.port == call.udp.local[1]
    assert peer.identity.sha256 in (section.attr("fingerprint") or "")
    assert call.need_peer().port == 4000
    assert not call.is_client
    call.close()


def test_the_next_offer_within_the_call_has_another_certificate_and_the_same_tls_id(lab: Session) -> None:
    signalling = Told(lab, ANSWER.format(make_identity().sha256))
    peer = DataChannelPeer(lab, signalling)
    call = peer.open("offer")
    peer.offer_again(call, "again", make_identity())
    first, second = (offer.media[0] for offer in signalling.offers)
    assert first.attr("fingerprint") != second.attr("fingerprint")
    assert first.attr("tls-id") == second.attr("tls-id")
    call.close()
