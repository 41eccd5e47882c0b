"""What the testcases of protected media do again and again: media flow, a packet is dropped, media flow on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imsproof.actors.srtpleg import b64
from imsproof.judge import afterwards, control, expect
from imsproof.seams import InconclusiveError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from imsproof.actors.farleg import FarLeg
    from imsproof.actors.media import AudioCall, Line
    from imsproof.bench import Bench
    from imsproof.judge.expect import Expectation
    from imsproof.link.subject import Exchange

PAYLOAD = 80
AT_ONCE = 20
"""Packets that are sent without a look at whether they got through: what the smallest receiver bears."""
ROUNDS = 6
TALK = 20
"""Packets to wait for of a lab that talks by itself."""
FOLLOWING = 3
"""Packets of one payload; they also follow what must not arrive: when one is there, so would be what came before."""


class Stream:
    """A call with protected media.

    Attributes:
        call: the call.
        leg: the tester's end of the access leg.
        seen: where it shows what the lab lets through.
    """

    def __init__(self, bench: Bench, call: AudioCall) -> None:
        """Take a call whose keys are agreed (``InconclusiveError`` without an answer)."""
        call.need_peer()
        self.bench = bench
        self.call = call
        self.leg = call.leg
        self.seen = call.seen

    def mark(self, size: int = PAYLOAD) -> bytes:
        """A payload that nobody else sends."""
        return self.bench.random.randbytes(size)

    def flows(self, label: str = "SRTP") -> None:
        """The control: a protected packet is let through."""
        self._through(label, control(self.seen))

    def claimed(self, label: str = "SRTP") -> bool:
        """The claim: a protected packet is let through; whether one was."""
        return self._through(label, expect(self.seen))

    def claimed_to_go_on(self, label: str) -> None:
        """The claim, and if it holds the sign of life."""
        if self.claimed(label):
            self.goes_on()

    def goes_on(self, label: str = "SRTP again") -> None:
        """Afterwards: protected packets are let through still."""
        self._through(label, afterwards(self.seen))

    def _through(self, label: str, expectation: Expectation) -> bool:
        """One payload in a few packets, again until one of them arrives: some may be lost, or come before the keys.

        Who begins a DTLS handshake has its keys only when the other end, who has them already, may have sent media.
        """
        payload = self.mark()
        within = self.bench.profile.timers.answer / ROUNDS
        for _ in range(ROUNDS):
            self.leg.send(label, *(self.leg.protected(payload) for _ in range(FOLLOWING)))
            if self.seen.wait_for(payload, within):
                break
        expectation.holds("payload-arrived", payload=b64(payload), what=label)
        return self.seen.wait_for(payload, 0)

    def arrived(self, label: str = "SRTP") -> tuple[bytes, bytes]:
        """A payload that got through, and its packet; another one when the first is lost."""
        payload = packet = b""
        for _ in range(ROUNDS):
            payload = self.mark()
            packet = self.leg.protected(payload)
            self.leg.send(label, packet)
            if self.seen.wait_for(payload, self.bench.profile.timers.answer / ROUNDS):
                break
        return payload, packet

    def refuses(self, label: str, packets: Mapping[bytes, bytes], *, how: str = "srtp") -> Exchange:
        """Send packets, by payloads that tell them apart, and claim that none is let through while media flow on."""
        sent = self.leg.send(label, *packets.values(), how=how, injected=True)
        self.goes_on()
        for payload in packets:
            self.kept_out(payload, label)
        return sent

    def kept_out(self, payload: bytes, what: str) -> None:
        """The claim: no packet with this payload was let through."""
        expect(self.seen).holds("payload-not-arrived", payload=b64(payload), what=what)

    def comes_out(self, payload: bytes, what: str = "what the far side sent") -> None:
        """The claim: this payload, of the far side, came on the access leg."""
        expect(self.leg).holds("payload-arrived", payload=b64(payload), what=what)

    def lasts(self, label: str, count: int) -> None:
        """Send so many packets, a few at a time; the next few when the last one got through, or is lost."""
        for begin in range(0, count, AT_ONCE):
            payloads = [self.mark() for _ in range(min(AT_ONCE, count - begin))]
            self.leg.send(label, *(self.leg.protected(payload) for payload in payloads))
            self.seen.wait_for(payloads[-1], self.bench.profile.timers.silence)

    def comes_back(self, label: str, *payloads: bytes, index: int | None = None) -> None:
        """Have the lab send these payloads on the access leg; a first one shows the far side where to send."""
        self.send_back(label, *payloads, index=index)
        for payload in payloads:
            if not self.leg.wait_for(payload, self.bench.profile.timers.answer):
                break

    def has_way_back(self, *, sound: bool = True, index: int | None = None) -> None:
        """See that what the far side sends (from ``index`` on) comes out on the access leg: ``sound``, or at all.

        Raises:
            InconclusiveError: it does not, so that nothing follows from what is missing there.
        """
        within = self.bench.profile.timers.answer
        self.send_back("media of the far side", self.mark(), index=index)
        if sound and self.leg.wait_sound(1, within):
            return
        if sound and self.leg.wait_any(0):
            raise InconclusiveError(
                "what the lab sends on the access leg is not authentic under the agreed key, which SRTP-PKT-16 is about"
            )
        if not self.leg.wait_any(within):
            raise InconclusiveError(
                "nothing that the far side sent came out on the access leg: the tester's far side sends to where the"
                " gateway's own packets come from (symmetric RTP), so the gateway must take media there"
            )

    def send_back(self, label: str, *payloads: bytes, index: int | None = None) -> None:
        """The same, without waiting for them; one payload alone is sent in a few packets."""
        payloads = payloads if len(payloads) > 1 else payloads * FOLLOWING
        far = self.far
        if far is not None:
            far.send(label, *payloads, index=index)
            return
        if index is not None:
            self.leg.source.index = index
        self.leg.send(label, *(self.leg.protected(payload) for payload in payloads))

    @property
    def far(self) -> FarLeg | None:
        """The tester's far leg, ``None`` where the lab sends back what it is given."""
        return None if self.seen is self.leg else self.seen  # type: ignore[return-value]


def talks_by_itself(bench: Bench) -> bool:
    """Whether the lab is a user agent whose output is not seen, and that talks by itself."""
    return bench.profile.media is not None and bench.profile.media.observe == "none"


def by_sdes(bench: Bench, *lines: Line, label: str = "INVITE with SDES") -> Stream:
    """The control: a call with SDES, in which a protected packet is let through."""
    stream = Stream(bench, bench.media().offer_sdes(label, *lines))
    stream.flows()
    return stream


def by_dtls(bench: Bench, *, setup: str = "actpass") -> Stream:
    """The control: a call with DTLS-SRTP, in which a protected packet is let through."""
    call = bench.media().offer_dtls("INVITE with DTLS-SRTP", setup=setup)
    control(call.handshake("DTLS for SRTP")).accepted()
    if call.leg.own is None:
        raise InconclusiveError("the DTLS handshake gave no SRTP keys")
    stream = Stream(bench, call)
    stream.flows()
    return stream
