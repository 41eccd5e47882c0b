"""The far side of a call: plain RTP, what the gateway gives out of what it was given, and what it is given back."""

from __future__ import annotations

import asyncio
import contextlib
from functools import partial
from typing import TYPE_CHECKING, Any

from imsproof.actors.signalling import describe
from imsproof.actors.srtpleg import Source
from imsproof.codec.rtp import Packets, RtpPacket, RtpSyntaxError, classify
from imsproof.codec.sdp import Sdp, audio_section, description
from imsproof.link.subject import Exchange
from imsproof.link.udp import UdpEndpoint, open_pair
from imsproof.seams import Address, InconclusiveError

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping, Sequence

    from imsproof.link.session import Session


def describe_rtp(data: bytes) -> tuple[str, Mapping[str, Any]]:
    """Read the header of a packet that came in; what is not RTP has no facts."""
    if classify(data) is Packets.RTCP:
        return "", {"rtcp": True}
    try:
        packet = RtpPacket.parse(data)
    except RtpSyntaxError:
        return "", {}
    return "", {"ssrc": packet.ssrc, "seq": packet.sequence, "pt": packet.payload_type}


class FarLeg:
    """The far side's media socket: what the gateway gives out of what it was given.

    Args:
        session: the purpose's session.
        address: the tester's IP address on the far side.
        actor: the name in the journal.
    """

    def __init__(
        self, session: Session, address: str, *, actor: str = "far", random: random.Random | None = None
    ) -> None:
        self.session = session
        self.record = session.record
        self.exchange = session.exchange("far leg")
        self.actor = actor
        self.remote: Address | None = None
        self._reports: tuple[UdpEndpoint, Address] | None = None
        self._source = Source.drawn(random) if random else Source(1, 1, 1)
        self._seen: list[bytes] = []
        self._arrived = asyncio.Event()
        pair = session.run(open_pair(session, actor, self.exchange, address, describe=describe_rtp))
        for udp in pair:
            udp.transport_name = "rtp"
            udp.on_datagram = partial(self._take, udp)
        self._udp, _ = pair

    def _take(self, udp: UdpEndpoint, data: bytes, source: Address) -> None:
        if classify(data) is Packets.RTP:
            self.remote = source
        elif classify(data) is Packets.RTCP:
            self._reports = udp, source
        self._seen.append(data)
        self._arrived.set()

    @property
    def where(self) -> Address:
        """The socket's address."""
        return self._udp.local

    def drain(self) -> list[bytes]:
        """Return what arrived since the last call."""
        seen, self._seen = self._seen, []
        return seen

    def sdp(self, offer: Sdp | None = None) -> Sdp:
        """A description of plain RTP at this socket, with RTCP on the same port where that is offered.

        Where the offer takes media is where the far side sends, until packets come from elsewhere.
        """
        section = offer.first("audio") if offer is not None else None
        told = describe(offer, "audio") if offer is not None else None
        if told is not None:
            with contextlib.suppress(InconclusiveError):  # a host name: where packets come from will be known
                self.remote = told.where
        mux = ("rtcp-mux",) if section is not None and section.attr("rtcp-mux") is not None else ()
        return description(self._udp.local[0], [audio_section(self._udp.local[1], attributes=mux)])

    def wait_for(self, payload: bytes, within: float) -> bool:
        """Wait until a packet with this payload arrives; ``False`` when none did within ``within`` seconds."""
        return self.session.run(self._wait_for(payload, within))

    async def _wait_for(self, payload: bytes, within: float) -> bool:
        try:
            async with asyncio.timeout(within):
                while not any(payload in one for one in self._seen):
                    self._arrived.clear()
                    await self._arrived.wait()
        except TimeoutError:
            return False
        return True

    def send(self, label: str, *payloads: bytes, index: int | None = None) -> Exchange:
        """Send plain packets to where the lab's came from; ``index`` sets the (48-bit) number of the first one.

        Raises:
            InconclusiveError: nothing came yet, so that it is not known where the lab takes media.
        """
        if self.remote is None:
            raise InconclusiveError("nothing came to the far side, so where the lab takes its media is not known")
        if index is not None:
            self._source.index = index
        packets = [self._source.next(payload)[0].to_bytes() for payload in payloads]
        return self.session.run(self._send(label, packets, self._udp, self.remote))

    def change_source(self, random: random.Random) -> None:
        """Be another source from now on."""
        self._source = Source.drawn(random)

    def report(self, label: str, *data: bytes) -> Exchange:
        """Send plain reports to where the lab's reports came from (``InconclusiveError`` when none came)."""
        if self._reports is None:
            raise InconclusiveError("no RTCP came to the far side: the lab does not let reports through")
        packets = [self._source.report_with(one)[0] for one in data]
        return self.session.run(self._send(label, packets, *self._reports))

    async def _send(self, label: str, packets: Sequence[bytes], udp: UdpEndpoint, remote: Address) -> Exchange:
        exchange = self.session.exchange(label)
        for data in packets:
            facts = {"protected": "plain", **describe_rtp(data)[1]}
            await udp.send(data, remote, exchange=exchange, facts=facts)
        return Exchange(record=self.record, exchange=exchange)
