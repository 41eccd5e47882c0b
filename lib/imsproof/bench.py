"""The bench: for one purpose, everything that a testcase can ask for, made when it is asked for.

It ties the profile, the link's session and the leases together, so that a testcase names only what it needs.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from imsproof.leases import Leases
from imsproof.seams import InconclusiveError, Record

if TYPE_CHECKING:
    from pathlib import Path

    from imsproof.catalogue import TestPurpose
    from imsproof.link.session import Link, Session
    from imsproof.profile import Profile
    from imsproof.profile.model import Subscriber


class Bench:
    """What one purpose works with.

    Attributes:
        profile: the lab's profile.
        purpose: the purpose that runs.
        record: its events and judgements.
        session: its view of the link.
        random: seeded by the run's seed and the purpose's id.
    """

    def __init__(self, profile: Profile, purpose: TestPurpose, link: Link, work: Path, seed: int) -> None:
        """Make a bench; close it with :meth:`close`."""
        self.profile = profile
        self.purpose = purpose
        self.record = Record(purpose.id)
        self.session: Session = link.session(self.record)
        self.random = random.Random(f"{seed}:{purpose.id}")  # noqa: S311 - repeatable on purpose, no secret
        self._leases = Leases(work / "leases", link.stop.is_set)

    def open(self) -> None:
        """Take the turn: alone for a purpose that disturbs others, shared for all others."""
        if self.purpose.exclusive:
            self._leases.alone()
        else:
            self._leases.share()

    def close(self) -> None:
        """Close every socket and give back every lease."""
        try:
            self.session.close()
        finally:
            self._leases.release()

    def subscribers(
        self, count: int = 1, *, auth: str | None = None, data_channel: bool | None = None
    ) -> list[Subscriber]:
        """Lease subscribers of the profile that nobody else uses meanwhile.

        Args:
            count: how many, all different.
            auth: ``aka`` or ``digest``; either when ``None``.
            data_channel: only those with, or without, the data-channel service.

        Raises:
            InconclusiveError: the profile has fewer of that kind.
        """
        gm = self.profile.gm
        fitting = [
            one
            for one in (gm.subscribers if gm else ())
            if (auth is None or one.auth == auth) and (data_channel is None or one.data_channel is data_channel)
        ]
        if len(fitting) < count:
            kind = " ".join(part for part in (auth, "data-channel" if data_channel else "") if part)
            raise InconclusiveError(f"{count} {kind} subscribers are needed, the profile has {len(fitting)}")
        by_name = {one.name: one for one in fitting}
        names = list(by_name)
        self.random.shuffle(names)
        return [by_name[name] for name in self._leases.take("subscriber", names, count)]

    def lease(self, kind: str, names: list[str]) -> str:
        """Lease one named thing that only one purpose may use at a time."""
        return self._leases.take(kind, names)[0]
