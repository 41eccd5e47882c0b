"""What every purpose works with: its record, its view of the link, its turn, and what it leases."""

from __future__ import annotations

import os
import random
from typing import TYPE_CHECKING

from imsproof.leases import Leases
from imsproof.link.udp import source_toward
from imsproof.seams import InconclusiveError, Record

if TYPE_CHECKING:
    from pathlib import Path

    from imsproof.catalogue import TestPurpose
    from imsproof.link.session import Link, Session
    from imsproof.profile import Profile
    from imsproof.profile.gm import Gm
    from imsproof.profile.hook import Hook
    from imsproof.profile.mw import Mw
    from imsproof.profile.sbi import Nrf, Producer, Sbi

FLOODS = 2
"""How many purposes of a family that would run alone run at once when each has a lab of its own."""


class Desk:
    """What one purpose works with, whatever it is about.

    Attributes:
        profile: the lab's profile.
        purpose: the purpose that runs.
        record: its events and judgements.
        session: its view of the link.
        random: seeded by the run's seed and the purpose's id.
    """

    def __init__(
        self, profile: Profile, purpose: TestPurpose, link: Link, work: Path, seed: int, *, own_lab: bool = False
    ) -> None:
        """Make a bench; close it with :meth:`close`."""
        self.profile = profile
        self.purpose = purpose
        self.record = Record(purpose.id)
        self.session: Session = link.session(self.record)
        self.random = random.Random(f"{seed}:{purpose.id}")  # noqa: S311 - repeatable on purpose, no secret
        self._leases = Leases(work / "leases", link.stop.is_set)
        self._own_lab = own_lab

    def open(self, *, alone: bool = False) -> None:
        """Take the turn: alone for a purpose that disturbs others (or where it is asked for), shared for all others.

        With a lab of this process' own nobody else is disturbed, but for the machine: few floods of a family at once.
        """
        if self._own_lab:
            if self.purpose.exclusive:
                self._leases.take("machine", [f"{self.purpose.family} {seat}" for seat in range(FLOODS)])
        elif alone or self.purpose.exclusive:
            self._leases.alone()
        else:
            self._leases.share()

    def close(self) -> None:
        """Close every socket and give back every lease."""
        try:
            self.session.close()
        finally:
            self._leases.release()

    def lease(self, kind: str, names: list[str]) -> str:
        """Lease one named thing that only one purpose may use at a time."""
        return self._leases.take(self._named(kind), names)[0]

    def _named(self, kind: str) -> str:
        """What is leased of this lab: with a lab of its own, a process shares nothing with others."""
        return f"{kind}.{os.getpid()}" if self._own_lab else kind

    @property
    def gm(self) -> Gm:
        """The profile's part on Gm (``InconclusiveError`` without one)."""
        if self.profile.gm is None:
            raise InconclusiveError("the profile has no gm section")
        return self.profile.gm

    @property
    def sbi(self) -> Sbi:
        """The profile's part on the SBI (``InconclusiveError`` without one)."""
        if self.profile.sbi is None:
            raise InconclusiveError("the profile has no sbi section")
        return self.profile.sbi

    @property
    def mw(self) -> Mw:
        """The profile's part behind the P-CSCF (``InconclusiveError`` without one)."""
        if self.profile.mw is None:
            raise InconclusiveError("the profile has no mw section")
        return self.profile.mw

    def producer(self) -> Producer:
        """The producer under test: the first with a probe, else the first."""
        found = self.sbi.producer_under_test
        if found is None:
            raise InconclusiveError("the profile has no producer")
        return found

    def nrf(self) -> Nrf:
        """The NRF (``InconclusiveError`` without one)."""
        if self.sbi.nrf is None:
            raise InconclusiveError("the profile has no sbi.nrf")
        return self.sbi.nrf

    def hook_address(self, hook: Hook) -> str:
        """The tester's IP address towards a node on a bench."""
        if self.profile.tester.addresses:
            return self.profile.tester.addresses[0]
        if hook.http is not None:
            return source_toward((hook.http.url.host, hook.http.url.port))
        if self.profile.scope.allows("127.0.0.1"):
            return "127.0.0.1"
        raise InconclusiveError("the profile does not say from which address to test: fill in tester.addresses")
