"""Data channels: the tester as one end of them, by calls or by the profile's hook, and whose they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from imsproof.actors.answering import Answering
from imsproof.actors.call import CallSignalling
from imsproof.actors.dcanswer import accept_data_channel, take_call
from imsproof.actors.hook import HookSignalling
from imsproof.actors.tap import Tap
from imsproof.bench.subscribers import Subscribers
from imsproof.seams import InconclusiveError

if TYPE_CHECKING:
    from imsproof.actors.dcpeer import DataChannelPeer, Ice
    from imsproof.actors.signalling import Signalling
    from imsproof.actors.ue import Ue


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


class DataChannels(Subscribers):
    """A desk with data-channel peers."""

    _callee: Ue | None = None

    def data_channel_peer(self, caller: Ue | None = None, callee: Ue | None = None) -> DataChannelPeer:
        """The tester as one end of a data channel, with the way to the lab that the profile gives.

        With a ``caller`` it is by a call of this UE, to the ``callee`` if there is one, who takes calls by itself.
        """
        dc = self.profile.dc
        ice = dc.ice_role if dc is not None and dc.ice == "required" else "none"
        signalling = self._calling(caller, callee) if caller else self.data_channel_signalling()
        return self._peer(signalling, ice)

    def ice_peer(self, *, lite: bool = False) -> DataChannelPeer:
        """The same, with ICE in every offer; as the lite end where it is asked for."""
        role: Ice = "lite" if lite else self.profile.dc.ice_role if self.profile.dc else "full"
        return self._peer(self.data_channel_signalling(), role)

    def _peer(self, signalling: Signalling, ice: Ice) -> DataChannelPeer:
        from imsproof.actors.dcpeer import DataChannelPeer  # noqa: PLC0415 - half of what a worker starts with

        return DataChannelPeer(self.session, signalling, sctp_port=self._sctp_port(), ice=ice)

    def dtls_versions(self) -> list[str]:
        """What a hello may get that offers DTLS 1.3 and 1.2: 1.3, and 1.2 unless the peer claims more."""
        claimed = self.profile.dc.dtls if self.profile.dc else "1.2"
        return ["DTLSv1.3"] if claimed == "1.3" else ["DTLSv1.2", "DTLSv1.3"]

    def dc_roles(self) -> tuple[str, ...]:
        """The setup roles that the lab's data-channel peer can take."""
        return self.profile.dc.roles if self.profile.dc else ("active", "passive")

    def serves_bootstrap(self) -> bool:
        """Whether stream 0 is the bootstrap channel, with HTTP."""
        return self.profile.dc is None or self.profile.dc.bootstrap

    def _sctp_port(self) -> int:
        return self.profile.dc.sctp_port if self.profile.dc else 5000

    def data_channel_signalling(self) -> Signalling:
        """How data-channel offers reach the lab: the hook, or a call to the lab's far UE or to the tester's own."""
        dc = self.profile.dc
        if dc is not None and dc.via == "hook" and dc.hook is not None:
            return HookSignalling(self.session, dc.hook, local_address=self.hook_address(dc.hook))
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
        user = fitting[self.lease("subscriber", names)]
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

    def tap(self) -> Tap:
        """The tap on the leg behind the MF, which runs from now on (``InconclusiveError`` without one)."""
        if self.profile.dc is None or self.profile.dc.tap is None:
            raise InconclusiveError("the profile has no dc.tap")
        return Tap(self.session, self.profile.dc.tap.command)

    def consent_seconds(self) -> float:
        """How long the peer sends without consent (``InconclusiveError`` when the profile does not say)."""
        if self.profile.dc is None or self.profile.dc.consent_seconds is None:
            raise InconclusiveError("the profile has no dc.consent_seconds")
        return self.profile.dc.consent_seconds

    def cookie_seconds(self) -> float:
        """How long the lab takes an SCTP state cookie back (``InconclusiveError`` when the profile does not say)."""
        if self.profile.dc is None or self.profile.dc.cookie_seconds is None:
            raise InconclusiveError("the profile has no dc.cookie_seconds")
        return self.profile.dc.cookie_seconds
