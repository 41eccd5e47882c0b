"""Subscribers and UEs: who is leased, who is registered, who is a stranger, who stands behind a border."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from imsproof.actors.errand import run_errand
from imsproof.actors.farnetwork import FarNetwork
from imsproof.actors.parties import Parties
from imsproof.actors.secureue import SecureUe
from imsproof.actors.ue import Ue
from imsproof.bench.desk import Desk
from imsproof.judge import control
from imsproof.link.esp import raw_sockets
from imsproof.seams import InconclusiveError

if TYPE_CHECKING:
    from imsproof.actors.siptransport import TransportName
    from imsproof.profile.gm import Subscriber


class Subscribers(Desk):
    """A desk with subscribers of the profile, and UEs made of them."""

    def subscribers(
        self,
        count: int = 1,
        *,
        auth: str | None = None,
        data_channel: bool | None = None,
        algorithms: tuple[str | None, ...] = (),
        must_agree: bool = False,
    ) -> list[Subscriber]:
        """Lease subscribers of the profile that nobody else uses meanwhile.

        Args:
            count: how many, all different.
            auth: ``aka`` or ``digest``; either when ``None``.
            data_channel: only those with, or without, the data-channel service.
            algorithms: only subscribers with one of these algorithms.
            must_agree: only those whom the network serves with a security agreement alone, whom nobody else gets.

        Raises:
            InconclusiveError: the profile has fewer of that kind.
        """
        gm = self.profile.gm
        fitting = [
            one
            for one in (gm.subscribers if gm else ())
            if one.must_agree is must_agree
            and (auth is None or one.auth == auth)
            and (data_channel is None or one.data_channel is data_channel)
            and (not algorithms or one.algorithm in algorithms)
        ]
        if len(fitting) < count:
            kind = " ".join(part for part in (auth, "data-channel" if data_channel else "") if part)
            raise InconclusiveError(f"{count} {kind} subscribers are needed, the profile has {len(fitting)}")
        return self._lease_subscribers(fitting, count)

    def _lease_subscribers(self, among: list[Subscriber], count: int = 1) -> list[Subscriber]:
        """Lease some, of one kind and with another one like them if that can be had.

        What one says in another's name then meets a challenge that it can answer, wrongly.
        """
        paired = [one for one in among if self.gm.like(one)]
        kinds = {one.kind: [other for other in paired if other.kind == one.kind] for one in paired}
        alike = list(kinds.values()) if count > 1 else [paired]
        self.random.shuffle(alike)
        return self._first_of([*alike, among], count)

    def _first_of(self, groups: list[list[Subscriber]], count: int) -> list[Subscriber]:
        """Lease from the first of these groups of which this purpose does not hold too many already."""
        *rather, last = groups
        for group in rather:
            with suppress(InconclusiveError):
                return self._take(group, count)
        return self._take(last, count)

    def _take(self, among: list[Subscriber], count: int) -> list[Subscriber]:
        by_name = {one.name: one for one in among}
        names = list(by_name)
        self.random.shuffle(names)
        return [by_name[name] for name in self._leases.take(self._named("subscriber"), names, count)]

    def another_like(self, who: Subscriber) -> Subscriber:
        """Lease another subscriber, one that is challenged in the same way if there is any."""
        others = [one for one in self.gm.usual if one != who]
        by_auth = [one for one in others if one.auth == who.auth]
        return self._first_of([list(self.gm.like(who)), by_auth, others], 1)[0]

    def ue(
        self,
        actor: str = "ue-a",
        *,
        auth: str | None = None,
        data_channel: bool | None = None,
        transport: TransportName | None = None,
        subscriber: Subscriber | None = None,
        registered: bool = True,
    ) -> Ue:
        """Lease a subscriber and make a UE of it; a registered one is registered as part of the control.

        Raises:
            InconclusiveError: it cannot be registered, so that nothing can be shown with it.
        """
        who = subscriber or self.subscribers(1, auth=auth, data_channel=data_channel)[0]
        made = self.stranger(who, actor, transport=transport)
        if registered:
            done = made.register(label=f"REGISTER {actor}")
            if done.status in (401, 407) or (done.status or 0) >= 500:
                # What an earlier attempt left behind may spoil one challenge, not two; a busy network says how long;
                # a core that answers 500 once in a hundred times (Kamailio's does) serves the next attempt.
                self.session.run(asyncio.sleep(min(done.retry_after, self.session.timers.answer)))
                done = made.register(label=f"REGISTER {actor}, once more")
            control(done).accepted()
            if not done.ok:
                raise InconclusiveError(f"{actor} could not register: {done.failed or f'answered {done.status}'}")
        return made

    def register(self, ue: Ue) -> None:
        """Register a UE as part of the control (``InconclusiveError`` when nothing can be shown without it)."""
        done = ue.register(label=f"REGISTER {ue.actor}")
        control(done).accepted()
        if not done.ok:
            raise InconclusiveError(f"{ue.actor} could not register: {done.failed or f'answered {done.status}'}")

    def stranger(
        self,
        who: Subscriber,
        actor: str = "attacker",
        *,
        transport: TransportName | None = None,
        source: str | None = None,
    ) -> Ue:
        """A UE that is not registered and comes from a socket of its own, as the network wants UEs to come."""
        if self.gm.sec_agree_required and who.auth == "aka" and transport in (None, "udp"):
            return self.secure_ue(actor, subscriber=who, registered=False, source=source)
        return Ue(self.session, self.gm, who, transport=transport, actor=actor, source=source)

    def secure_ue(
        self,
        actor: str = "ue-a",
        *,
        subscriber: Subscriber | None = None,
        registered: bool = True,
        behind_nat: bool = False,
        source: str | None = None,
    ) -> SecureUe:
        """Like :meth:`ue`, for one that agrees on ipsec-3gpp and speaks through ESP (IMS AKA).

        ESP goes in UDP for a UE ``behind_nat``, and where the tester may open no raw socket but the network takes that.
        """
        who = subscriber or self.subscribers(1, auth="aka")[0]
        made = SecureUe(self.session, self.gm, who, actor=actor, source=source)
        if self.gm.nat_port and (behind_nat or not raw_sockets()):
            made.nat_port = self.gm.nat_port
        if registered:
            self.register(made)
        return made

    def parties(self, among: list[Subscriber] | None = None) -> Parties:
        """Two registered UEs that can call each other.

        The callee is one of ``among``, by default one that takes anonymous calls too.
        """
        subscribers = self.gm.usual
        willing = among or [one for one in subscribers if not one.refuses_anonymous] or list(subscribers)
        callee = self.ue("ue-b", subscriber=self._lease_subscribers(willing)[0])
        return Parties(self.session, self.ue("ue-a", subscriber=self.another_like(callee.subscriber)), callee)

    def strangers(self, victim: Subscriber) -> list[Ue]:
        """Who is no party: somebody who is not registered and names ``victim``, and a third subscriber if there is one.

        The third one is registered, and so a rightful user of the network.
        """
        found = [Ue(self.session, self.gm, victim, actor="stranger")]
        if len(self.gm.usual) >= 3:
            found.append(self.ue("ue-c"))
        return found

    def far_target(self) -> str:
        """Whom to call when the lab has a UE of its own that takes calls (``InconclusiveError`` without one)."""
        if self.profile.far is None:
            raise InconclusiveError("the profile has no gm.far_end")
        return self.profile.far.uri

    def far_network(self, node: str = "", hiding: str = "", *, subscriber: Subscriber | None = None) -> FarNetwork:
        """Lease the tester's end of a border (one with this node and way of hiding) and stand behind it.

        With a ``subscriber`` it is the visited network's P-CSCF of this one.

        Raises:
            InconclusiveError: the profile has no such border.
        """
        fitting = {one.name: one for one in self.mw.borders if node in ("", one.node) and hiding in ("", one.hiding)}
        if not fitting:
            raise InconclusiveError(f"no border under mw.borders is {node} with {hiding}")
        names = list(fitting)
        self.random.shuffle(names)
        return FarNetwork(self.session, self.gm, fitting[self.lease("border", names)], subscriber)

    def remove(self, ue: Ue) -> None:
        """Have the network de-register a UE by itself (``InconclusiveError`` where that cannot be had)."""
        if self.gm.removal is None:
            raise InconclusiveError("the profile has no gm.removal")
        who = {"impi": ue.subscriber.impi, "impu": ue.subscriber.impu}
        run_errand(self.session, self.gm.removal, who, f"the network de-registers {ue.actor}")
