"""The door of media: RTP, RTCP, STUN and DTLS towards the port that a call was answered with."""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING

from imsproof.codec import stun
from imsproof.codec.rtp import RtpPacket
from imsproof.codec.tlshello import ClientHello, usual_extensions
from imsproof.fuzzing.doors import Door
from imsproof.seams import InconclusiveError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imsproof.actors.media import AudioCall, MediaPeer
    from imsproof.fuzzing.target import Reaction
    from imsproof.link.session import Session
    from imsproof.seams import Address

BRIEF = 0.02
"""Seconds in which packets of a volley come out on the far side."""
SSRC = b"\x12\x34\x56\x78"


def _rtcp(kind: int, count: int, body: bytes) -> bytes:
    """Write an RTCP packet (RFC 3550 6.4)."""
    return bytes((0x80 | count, kind)) + (len(body) // 4).to_bytes(2, "big") + body


def corpus() -> list[bytes]:
    """Return a packet of each kind that shares the port (RFC 7983): RTP, RTCP, STUN, DTLS, TURN channel data."""
    plain = RtpPacket(0, 1, 160, int.from_bytes(SSRC, "big"), b"\xff" * 160).to_bytes()
    hello = ClientHello(0xFEFD, random=bytes(32), suites=(0xC02B,), extensions=usual_extensions(srtp=True)).to_bytes()
    record = b"\x16\xfe\xfd" + bytes(8) + (len(hello) + 12).to_bytes(2, "big")
    size = len(hello).to_bytes(3, "big")
    return [
        plain,
        bytes((plain[0] | 0x10,)) + plain[1:12] + b"\xbe\xde\0\1\x10\xff\0\0" + plain[12:],
        bytes((plain[0] | 0x2F,)) + plain[1:12] + SSRC * 15 + plain[12:-1] + b"\4",
        _rtcp(200, 1, SSRC + bytes(20) + SSRC + bytes(20)) + _rtcp(202, 1, SSRC + b"\1\4name\0\0\0\0"),
        _rtcp(201, 0, SSRC) + _rtcp(203, 1, SSRC),
        _rtcp(205, 1, SSRC * 2 + bytes(4)) + _rtcp(206, 15, SSRC * 2 + b"REMB\1\0\0\1" + SSRC),
        stun.Message(0x0001, bytes(12), (stun.Attribute(0x0006, b"a:b"),)).to_bytes(),
        record + b"\1" + size + bytes(2) + bytes(3) + size + hello,
        b"\x40\0\0\4data",
    ]


class MediaPackets(Door):
    """Packets towards the media port of a call that stands; a far leg tells what came through."""

    name = "rtp"

    def __init__(self, session: Session, peer: MediaPeer) -> None:
        """Call with protected audio (``InconclusiveError`` when the lab gives none)."""
        super().__init__(session)
        self._peer = peer
        self._call = self._fresh()
        self.corpus = corpus()

    def _fresh(self) -> AudioCall:
        call = self._peer.offer_sdes("INVITE for media")
        call.need_peer()
        return call

    def throw(self, cases: Sequence[bytes], reaction: Reaction) -> None:
        """Send packets from the port of the offer; note what comes back, and what comes out on the far side."""
        where, udp, far = self._call.need_peer().where, self._call.udp, self._peer.far
        usual, back = udp.on_datagram, list[bytes]()

        async def send(case: bytes) -> list[bytes]:
            back.clear()
            udp.on_datagram = lambda data, _: back.append(data)
            await udp.send(case, where)
            await asyncio.sleep(BRIEF)
            udp.on_datagram = usual
            return far.drain() if far else []

        for case in cases:
            if case:
                through = self.session.run(send(case))
                told = [f"back {kind_of(one)}" for one in back] + [f"through {kind_of(one)}" for one in through]
                reaction.count(case, len(through), ", ".join(sorted(set(told))) or "nothing")

    def serves(self) -> bool:
        """Whether protected media come through in the call that stands, or in a new one."""
        if self._through():
            return True
        self._call.close()
        try:
            self._call = self._fresh()
        except InconclusiveError:
            return False
        return self._through()

    def _through(self) -> bool:
        payload = secrets.token_bytes(32)
        self._call.send("good packet", payload)
        return self._call.seen.wait_for(payload, self.session.timers.silence)

    def wire(self, case: bytes) -> list[bytes]:
        """A packet is a datagram, towards the port of a call."""
        return [case] if case else []

    def where(self) -> Address:
        """The media address of the call."""
        return self._call.need_peer().where

    def renew(self) -> None:
        """Call again."""
        self._call = self._fresh()

    def close(self) -> None:
        """End the call."""
        self._call.close()


def kind_of(data: bytes) -> str:
    """Say what a packet is by its first octets (RFC 7983), and how long (log2)."""
    first = data[0] if data else 0
    names = ((4, "STUN"), (20, "?"), (64, "DTLS"), (80, "TURN"), (128, "?"), (192, "RTP"))
    name = next((name for below, name in names if first < below), "?")
    if name == "RTP" and len(data) > 1 and 192 <= data[1] <= 223:
        name = "RTCP"
    return f"{name} {len(data).bit_length()}"
