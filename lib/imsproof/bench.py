"""The bench: for one purpose, everything that a testcase can ask for, made when it is asked for.

It ties the profile, the link's session and the leases together, so that a testcase names only what it needs.
"""

from __future__ import annotations

import asyncio
import os
import random
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from imsproof.actors.answering import Answering
from imsproof.actors.call import CallSignalling
from imsproof.actors.dcanswer import accept_data_channel, take_call
from imsproof.actors.errand import run_errand
from imsproof.actors.farleg import FarLeg
from imsproof.actors.farnetwork import FarNetwork
from imsproof.actors.hook import HookSignalling
from imsproof.actors.kms import KmsClient
from imsproof.actors.media import MediaPeer
from imsproof.actors.msrp import MsrpPeer
from imsproof.actors.parties import Parties
from imsproof.actors.secureue import SecureUe
from imsproof.actors.tap import Tap
from imsproof.actors.ue import Ue
from imsproof.judge import control
from imsproof.leases import Leases
from imsproof.link.esp import raw_sockets
from imsproof.link.udp import source_toward
from imsproof.profile.msrp import Msrp
from imsproof.seams import InconclusiveError, Record

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from imsproof.actors.dcpeer import DataChannelPeer, Ice
    from imsproof.actors.signalling import Signalling
    from imsproof.actors.sipsubject import Registration
    from imsproof.actors.siptransport import TransportName
    from imsproof.catalogue import TestPurpose
    from imsproof.link.session import Link, Session
    from imsproof.profile import Profile
    from imsproof.profile.gm import Gm, Subscriber
    from imsproof.profile.hook import Hook
    from imsproof.profile.mw import Mw
    from imsproof.profile.sbi import Nrf, Producer, Sbi


FLOODS = 2
"""How many purposes of a family that would run alone run at once when each has a lab of its own."""


@dataclass(frozen=True, slots=True)
class AppUser:
    """A data-channel peer and whose it is.

    Attributes:
        peer: the peer.
        ue: the UE that calls.
        own: names of applications that it may use.
        others: names of applications that others may use and it may not.
        other_impu: a public identity of one of those others.
    """

    peer: DataChannelPeer
    ue: Ue
    own: tuple[str, ...]
    others: tuple[str, ...]
    other_impu: str


class Bench:
    """What one purpose works with.

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
        self._callee: Ue | None = None

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
            if done.status in (401, 407, 503):
                # What an earlier attempt left behind may spoil one challenge, not two; a busy network says how long.
                self._wait_as_told(done)
                done = made.register(label=f"REGISTER {actor}, once more")
            control(done).accepted()
            if not done.ok:
                raise InconclusiveError(f"{actor} could not register: {done.failed or f'answered {done.status}'}")
        return made

    def _wait_as_told(self, done: Registration) -> None:
        """Wait for as long as a busy network asks for (RFC 3261 section 20.33), within the answer timer."""
        told = (done.header("Retry-After") or "").partition(";")[0].partition("(")[0].strip()
        seconds = float(told) if told.isascii() and told.isdigit() else 0.0
        self.session.run(asyncio.sleep(min(seconds, self.session.timers.answer)))

    def stranger(self, who: Subscriber, actor: str = "attacker", *, transport: TransportName | None = None) -> Ue:
        """A UE that is not registered and comes from a socket of its own, as the network wants UEs to come."""
        if self.gm.sec_agree_required and who.auth == "aka" and transport in (None, "udp"):
            return self.secure_ue(actor, subscriber=who, registered=False)
        return Ue(self.session, self.gm, who, transport=transport, actor=actor)

    def parties(self, among: list[Subscriber] | None = None) -> Parties:
        """Two registered UEs that can call each other.

        The callee is one of ``among``, by default one that takes anonymous calls too.
        """
        subscribers = self.gm.usual
        willing = among or [one for one in subscribers if not one.refuses_anonymous] or list(subscribers)
        callee = self.ue("ue-b", subscriber=self._lease_subscribers(willing)[0])
        return Parties(self.session, self.ue("ue-a", subscriber=self.another_like(callee.subscriber)), callee)

    def another_like(self, who: Subscriber) -> Subscriber:
        """Lease another subscriber, one that is challenged in the same way if there is any."""
        others = [one for one in self.gm.usual if one != who]
        by_auth = [one for one in others if one.auth == who.auth]
        return self._first_of([list(self.gm.like(who)), by_auth, others], 1)[0]

    def strangers(self, victim: Subscriber) -> list[Ue]:
        """Who is no party: somebody who is not registered and names ``victim``, and a third subscriber if there is one.

        The third one is registered, and so a rightful user of the network.
        """
        found = [Ue(self.session, self.gm, victim, actor="stranger")]
        if len(self.gm.usual) >= 3:
            found.append(self.ue("ue-c"))
        return found

    @property
    def mw(self) -> Mw:
        """The profile's part behind the P-CSCF (``InconclusiveError`` without one)."""
        if self.profile.mw is None:
            raise InconclusiveError("the profile has no mw section")
        return self.profile.mw

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

    def secure_ue(
        self,
        actor: str = "ue-a",
        *,
        subscriber: Subscriber | None = None,
        registered: bool = True,
        behind_nat: bool = False,
    ) -> SecureUe:
        """Like :meth:`ue`, for one that agrees on ipsec-3gpp and speaks through ESP (IMS AKA).

        ESP goes in UDP for a UE ``behind_nat``, and where the tester may open no raw socket but the network takes that.
        """
        who = subscriber or self.subscribers(1, auth="aka")[0]
        made = SecureUe(self.session, self.gm, who, actor=actor)
        if self.gm.nat_port and (behind_nat or not raw_sockets()):
            made.nat_port = self.gm.nat_port
        if registered:
            self.register(made)
        return made

    def register(self, ue: Ue) -> None:
        """Register a UE as part of the control (``InconclusiveError`` when nothing can be shown without it)."""
        done = ue.register(label=f"REGISTER {ue.actor}")
        control(done).accepted()
        if not done.ok:
            raise InconclusiveError(f"{ue.actor} could not register: {done.failed or f'answered {done.status}'}")

    def far_target(self) -> str:
        """Whom to call when the lab has a UE of its own that takes calls (``InconclusiveError`` without one)."""
        if self.profile.far is None:
            raise InconclusiveError("the profile has no gm.far_end")
        return self.profile.far.uri

    def data_channel_peer(self, caller: Ue | None = None, callee: Ue | None = None) -> DataChannelPeer:
        """The tester as one end of a data channel, with the way to the lab that the profile gives.

        With a ``caller`` it is by a call of this UE, to the ``callee`` if there is one, who takes calls by itself.
        """
        dc = self.profile.dc
        ice = dc.ice_role if dc is not None and dc.ice == "required" else "none"
        signalling = self._calling(caller, callee) if caller else self.data_channel_signalling()
        return self._peer(signalling, ice)

    def dtls_versions(self) -> list[str]:
        """What a hello may get that offers DTLS 1.3 and 1.2: 1.3, and 1.2 unless the peer claims more."""
        claimed = self.profile.dc.dtls if self.profile.dc else "1.2"
        return ["DTLSv1.3"] if claimed == "1.3" else ["DTLSv1.2", "DTLSv1.3"]

    def ice_peer(self, *, lite: bool = False) -> DataChannelPeer:
        """The same, with ICE in every offer; as the lite end where it is asked for."""
        role: Ice = "lite" if lite else self.profile.dc.ice_role if self.profile.dc else "full"
        return self._peer(self.data_channel_signalling(), role)

    def _peer(self, signalling: Signalling, ice: Ice) -> DataChannelPeer:
        from imsproof.actors.dcpeer import DataChannelPeer  # noqa: PLC0415 - half of what a worker starts with

        return DataChannelPeer(self.session, signalling, sctp_port=self._sctp_port(), ice=ice)

    def consent_seconds(self) -> float:
        """How long the peer sends without consent (``InconclusiveError`` when the profile does not say)."""
        if self.profile.dc is None or self.profile.dc.consent_seconds is None:
            raise InconclusiveError("the profile has no dc.consent_seconds")
        return self.profile.dc.consent_seconds

    def app_user(self) -> AppUser:
        """A data-channel peer of a subscriber that may not use every application (by a call on Gm only).

        Raises:
            InconclusiveError: there is no such subscriber.
        """
        able = [one for one in self.gm.usual if one.data_channel and one.apps]
        every = {app for one in able for app in one.apps}
        fitting = {one.name: one for one in able if every - set(one.apps)}
        if not fitting:
            raise InconclusiveError("no subscriber under gm.subscribers may use fewer applications than another")
        names = list(fitting)
        self.random.shuffle(names)
        user = fitting[self._leases.take(self._named("subscriber"), names, 1)[0]]
        others = tuple(sorted(every - set(user.apps)))
        other = next(one for one in able if others[0] in one.apps)
        caller = self.ue(subscriber=user)
        return AppUser(self.data_channel_peer(caller), caller, user.apps, others, other.impus[0])

    def app_user_of_two(self) -> AppUser:
        """A data-channel peer by a call to another UE of the tester, whose user may not use all its applications.

        Raises:
            InconclusiveError: there are no two such subscribers.
        """
        able = [one for one in self.gm.subscribers if one.data_channel and one.apps]
        pairs = [(one, other) for one in able for other in able if set(one.apps) - set(other.apps)]
        if not pairs:
            raise InconclusiveError("no two subscribers under gm.subscribers may use different applications")
        caller, callee = self.random.choice(pairs)
        called = self.ue("ue-b", subscriber=self._take([callee], 1)[0])
        Answering(called, lambda offer: accept_data_channel(offer, called.local[0]))
        calling = self.ue(subscriber=self._take([caller], 1)[0])
        alone = tuple(sorted(set(caller.apps) - set(callee.apps)))
        return AppUser(self.data_channel_peer(calling, called), calling, alone, callee.apps, called.impu)

    def app_binding(self, app: str) -> str:
        """The value of ``a=3gpp-req-app`` that binds a data channel to an application."""
        template = self.profile.dc.req_app if self.profile.dc else "{app}"
        return template.replace("{app}", app)

    def remove(self, ue: Ue) -> None:
        """Have the network de-register a UE by itself (``InconclusiveError`` where that cannot be had)."""
        if self.gm.removal is None:
            raise InconclusiveError("the profile has no gm.removal")
        who = {"impi": ue.subscriber.impi, "impu": ue.subscriber.impu}
        run_errand(self.session, self.gm.removal, who, f"the network de-registers {ue.actor}")

    def tap(self) -> Tap:
        """The tap on the leg behind the MF, which runs from now on (``InconclusiveError`` without one)."""
        if self.profile.dc is None or self.profile.dc.tap is None:
            raise InconclusiveError("the profile has no dc.tap")
        return Tap(self.session, self.profile.dc.tap.command)

    def cookie_seconds(self) -> float:
        """How long the lab takes an SCTP state cookie back (``InconclusiveError`` when the profile does not say)."""
        if self.profile.dc is None or self.profile.dc.cookie_seconds is None:
            raise InconclusiveError("the profile has no dc.cookie_seconds")
        return self.profile.dc.cookie_seconds

    def dc_roles(self) -> tuple[str, ...]:
        """The setup roles that the lab's data-channel peer can take."""
        return self.profile.dc.roles if self.profile.dc else ("active", "passive")

    def data_channel_signalling(self) -> Signalling:
        """How data-channel offers reach the lab: the hook, or a call to the lab's far UE or to the tester's own."""
        dc = self.profile.dc
        if dc is not None and dc.via == "hook" and dc.hook is not None:
            return HookSignalling(self.session, dc.hook, local_address=self._hook_address(dc.hook))
        return self._calling(self.ue(data_channel=True))

    def _calling(self, caller: Ue, callee: Ue | None = None) -> Signalling:
        if callee is not None:
            return CallSignalling(caller, callee.impu)
        if self.profile.far is not None and "data-channel" in self.profile.far.answers:
            return CallSignalling(caller, self.far_target())
        return CallSignalling(caller, self.data_channel_callee().impu)

    def data_channel_callee(self) -> Ue:
        """The tester's UE that takes every call, with data channels and without; one for the whole purpose."""
        if self._callee is None:
            made = self._callee = self.ue("ue-b", data_channel=True)
            Answering(made, lambda offer: take_call(offer, made.local[0]))
        return self._callee

    def _hook_address(self, hook: Hook) -> str:
        """The tester's IP address towards a node on a bench."""
        if self.profile.tester.addresses:
            return self.profile.tester.addresses[0]
        if hook.http is not None:
            return source_toward((hook.http.url.host, hook.http.url.port))
        if self.profile.scope.allows("127.0.0.1"):
            return "127.0.0.1"
        raise InconclusiveError("the profile does not say from which address to test: fill in tester.addresses")

    def _sctp_port(self) -> int:
        return self.profile.dc.sctp_port if self.profile.dc else 5000

    def media(self) -> MediaPeer:
        """The tester's audio on the access leg, with its far leg unless the lab has a far end of its own."""
        media = self.profile.media
        observe = media.observe if media is not None else "far"
        if media is not None and media.via == "hook" and media.hook is not None:
            hook, address = media.hook, self._hook_address(media.hook)
            far = FarLeg(self.session, address, random=self.random) if observe == "far" else None
            where = far.where if far else None
            return self._media(
                lambda: HookSignalling(self.session, hook, local_address=address, far=where), address, far
            )
        caller = self.ue()
        if observe != "far":
            return self._media(partial(CallSignalling, caller, self.far_target()), caller.local[0], None)
        callee = self.ue("ue-b")
        far = FarLeg(self.session, callee.local[0], actor="ue-b", random=self.random)
        Answering(callee, far.sdp)
        return self._media(partial(CallSignalling, caller, callee.impu), caller.local[0], far)

    def _media(self, signalling: Callable[[], Signalling], address: str, far: FarLeg | None) -> MediaPeer:
        return MediaPeer(self.session, signalling, self.random, address=address, far=far)

    def messages(self, *, e2ae: bool = False) -> MsrpPeer:
        """The tester as one end of message sessions: by calls to the lab's UE, or by the profile's hook.

        With ``e2ae`` every offer asks for protection by the IMS-AGW.
        """
        settings = self.profile.msrp or Msrp()
        settings = settings.model_copy(update={"e2ae": True}) if e2ae else settings
        hook = settings.hook
        if hook is not None:
            address = self._hook_address(hook)
            return MsrpPeer(
                self.session, lambda: HookSignalling(self.session, hook, local_address=address), self.random, settings
            )
        caller, target = self.ue(), self.far_target()
        return MsrpPeer(self.session, lambda: CallSignalling(caller, target), self.random, settings)

    def kms_users(self, count: int) -> list[KmsClient]:
        """So many users of the KMS, the initiator first (``InconclusiveError`` when the profile has fewer)."""
        kms = self.profile.kms
        if kms is None or len(kms.users) < count:
            raise InconclusiveError(f"the profile's kms has fewer than {count} users")
        return [KmsClient(self.session, kms, user, self.random) for user in kms.users[:count]]

    def kms_stranger(self, like: KmsClient, *, known: bool = False) -> KmsClient:
        """Somebody whom the KMS does not know; or, ``known``, somebody whose key it is not.

        Names are as long as the other user's, so that lengths tell nothing.
        """
        wrong = self.random.randbytes(len(like.user.psk))
        names = {} if known else {"identity": _other(like.user.identity), "psk_id": _other(like.user.psk_id)}
        return KmsClient(self.session, like.kms, like.user.model_copy(update={"psk": wrong, **names}), self.random)

    def lease(self, kind: str, names: list[str]) -> str:
        """Lease one named thing that only one purpose may use at a time."""
        return self._leases.take(self._named(kind), names)[0]

    def _named(self, kind: str) -> str:
        """What is leased of this lab: with a lab of its own, a process shares nothing with others."""
        return f"{kind}.{os.getpid()}" if self._own_lab else kind


def _other(name: str | None) -> str | None:
    """Another name of the same length."""
    return name and f"{name[:4]}zzzz{name[8:]}"
