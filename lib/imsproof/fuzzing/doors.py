"""What the doors behind the front share, and the first of them: session descriptions in calls of a registered UE.

At a door each case costs a conversation, so that volleys are small; what is mutated is what the door carries (a session
description, frames, a record, chunks, packets), and all around it is right.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from imsproof.codec.sdp import Fingerprint, data_channel_offer
from imsproof.codec.torture import sdp as offers
from imsproof.engine.identity import make_identity
from imsproof.fuzzing.target import FRESH, NUMBERED, Reaction, Told
from imsproof.fuzzing.watch import Health
from imsproof.seams import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from imsproof.actors.ue import Ue
    from imsproof.fuzzing.target import Target
    from imsproof.link.session import Session
    from imsproof.seams import Address

PLAIN = ("tcp", "udp")
"""Transports whose refusal says that nobody listens; a refusal in TLS or above comes from somebody."""


class Door:
    """What the doors share: cases one by one, then a probe; the journal is emptied, so that memory stays flat."""

    name = ""

    def __init__(self, session: Session, elsewhere: Callable[[], bool] | None = None) -> None:
        """Bind a session; ``elsewhere`` tries a right conversation from another address."""
        self.session = session
        self.elsewhere = elsewhere
        self.corpus: list[bytes] = []

    def throw(self, cases: Sequence[bytes], reaction: Reaction) -> None:
        """Send cases."""
        raise NotImplementedError

    def serves(self) -> bool:
        """Whether a right conversation works."""
        raise NotImplementedError

    def fire(self, cases: Sequence[bytes]) -> tuple[Reaction, Health]:
        """Send cases, then see whether the lab lives."""
        reaction = Reaction()
        self.throw(cases, reaction)
        return reaction, self.probe()

    def probe(self) -> Health:
        """Try a right conversation, and once more when it fails."""
        begun = time.monotonic()
        gone = self._nobody_listens("tcp")  # met by a case
        self.session.clear()
        serves = self.serves()
        if not serves:
            begun = time.monotonic()
            serves = self.serves()
        refused = not serves and self._nobody_listens(*PLAIN)
        gone = gone or refused or self._nobody_listens("tcp")
        found = Health(serves, time.monotonic() - begun, refused=refused, gone=gone)
        if not serves and not refused and self.elsewhere is not None:
            other = self.elsewhere()
            found = replace(found, serves=other, elsewhere=other, asked_elsewhere=True)
        self.session.clear()
        return found

    def _nobody_listens(self, *transports: str) -> bool:
        """Whether the journal has a refusal; over UDP a port that a call has closed refuses by right."""
        return any(e.kind is Kind.REFUSED and e.transport in transports for e in self.session.record.events)

    def retell(self, messages: Sequence[bytes]) -> Told:
        """Send messages once more, and keep the journal and the packets of it."""
        self.session.clear()
        self.throw(messages, Reaction())
        self.serves()
        told = Told.of(self.session)
        self.session.clear()
        return told

    def good(self) -> bytes:
        """Return the case that all others are made from."""
        return self.corpus[0]

    def again(self, case: bytes) -> bytes:
        """Write a case that was sent as a new one."""
        return NUMBERED.sub(next(FRESH), case)

    def like(self, case: bytes) -> bytes:
        """Write a good case of the same kind."""
        del case
        return self.good()

    def wire(self, case: bytes) -> list[bytes]:
        """A case takes a conversation here, more than datagrams."""
        del case
        return []

    def renew(self) -> None:
        """Make a new start after the lab was brought back."""

    def close(self) -> None:
        """Give back what it has."""


class GmSdp(Door):
    """Session descriptions in INVITEs of a registered UE."""

    name = "gm-sdp"

    def __init__(self, ue: Ue, callee: str, front: Target) -> None:
        """Call ``callee``; ``front`` probes the SIP door."""
        super().__init__(ue.session)
        self._ue = ue
        self._callee = callee
        self._front = front
        own = make_identity()
        good = data_channel_offer(
            ue.local[0],
            9,
            fingerprints=[Fingerprint("SHA-256", own.sha256)],
            tls_id=own.sha256.replace(":", "")[:32],
            audio_port=40000,
        ).to_bytes()
        self.corpus = [good, *(one.body(good) for one in offers.ALL if len(one.body(good)) < 8_000)]

    def throw(self, cases: Sequence[bytes], reaction: Reaction) -> None:
        """Call with each description, and end what was accepted."""
        for body in cases:
            call = self._ue.invite(self._callee, body, within=self.session.timers.silence)
            reaction.count(body, call.status)
            if call.ok:
                call.bye()

    def probe(self) -> Health:
        """Ask the front, which knows throttling from death."""
        self.session.clear()
        return self._front.probe()

    def serves(self) -> bool:
        """Whether a good request of somebody is answered."""
        return self._front.probe().serves

    def where(self) -> Address:
        """The address of SIP."""
        return self._front.where()

    def renew(self) -> None:
        """Register again."""
        self._ue.register()

    def close(self) -> None:
        """End calls and registration."""
        self._ue.close()
        self._front.close()
