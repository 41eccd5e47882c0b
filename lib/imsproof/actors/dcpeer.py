"""The data-channel peer: offers data channels as a UE does, through the signalling that the profile gives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from imsproof.actors.dccall import DataChannelCall
from imsproof.codec.sdp import BOOTSTRAP, Dcmap, Fingerprint, Sdp, data_channel_offer
from imsproof.codec.sdpice import IceDescription, write_ice
from imsproof.engine.ice import Credentials, IceAgent
from imsproof.engine.identity import Identity, make_identity
from imsproof.link.ice import IceEndpoint
from imsproof.link.udp import UdpEndpoint
from imsproof.seams import InconclusiveError, OutOfScopeError

Ice = Literal["none", "full", "lite"]

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from imsproof.actors.signalling import Answered, Signalling
    from imsproof.link.session import Session
    from imsproof.seams import Address


class DataChannelPeer:
    """The tester as one end of data channels.

    Args:
        session: the purpose's session.
        signalling: how offers reach the lab.
        actor: the name in the journal.
        sctp_port: SCTP port that is offered.
        ice: whether ICE is offered, and which end of it the tester plays.
    """

    def __init__(
        self,
        session: Session,
        signalling: Signalling,
        *,
        actor: str = "ue-a",
        sctp_port: int = 5000,
        ice: Ice = "none",
    ) -> None:
        self._session = session
        self._signalling = signalling
        self._actor = actor
        self._sctp_port = sctp_port
        self._ice = ice
        self.identity = make_identity()

    def open(
        self,
        label: str,
        *,
        identity: Identity | None = None,
        fingerprints: Sequence[Fingerprint] | None = None,
        setup: str = "actpass",
        tls_id: str | None = None,
        dcmaps: Sequence[Dcmap] = (BOOTSTRAP,),
        edit: Callable[[Sdp], None] | None = None,
        hold_ice: bool = False,
    ) -> DataChannelCall:
        """Offer a data channel and return the call; whether it was answered is for the judge to say.

        Args:
            label: what the conversation is called in the journal.
            identity: the certificate that the fingerprint is of, this peer's own by default.
            fingerprints: what is offered instead of the identity's SHA-256 (an empty list offers none).
            setup: ``a=setup``.
            tls_id: ``a=tls-id``; one is made when left out.
            dcmaps: the channels.
            edit: changes the offer before it goes out.
            hold_ice: send and answer no check before the call's :meth:`IceEndpoint.release`.
        """
        own = identity or self.identity
        offered = [Fingerprint("SHA-256", own.sha256)] if fingerprints is None else list(fingerprints)
        udp = self._session.run(self._socket())
        offer = data_channel_offer(
            udp.local[0],
            udp.local[1],
            fingerprints=offered,
            setup=setup,
            tls_id=tls_id or own.sha256.replace(":", "")[:32],
            sctp_port=self._sctp_port,
            dcmaps=dcmaps,
        )
        own_ice = self._offer_ice(offer, udp, self._ice)
        if edit is not None:
            edit(offer)
        answered = self._signalling.offer(offer, label)
        found = self._begin_ice(udp, own_ice, answered, held=hold_ice)
        return DataChannelCall(
            session=self._session,
            actor=self._actor,
            identity=own,
            signalling=self._signalling,
            answered=answered,
            peer=answered.described("application"),
            udp=udp,
            sctp_port=self._sctp_port,
            offered_setup=setup,
            ice=found,
        )

    def offer_again(
        self,
        call: DataChannelCall,
        label: str,
        identity: Identity,
        *,
        method: str = "INVITE",
        new_tls_id: bool = False,
    ) -> Answered:
        """Offer another certificate within the call that stands; the call goes on with it.

        Args:
            call: the call.
            label: what the conversation is called in the journal.
            identity: the certificate.
            method: the SIP request that carries the offer.
            new_tls_id: as it must be (RFC 8842 section 5.4); or else the former one is offered again.
        """
        offer = self._later_offer(call, identity)
        if new_tls_id:
            offer.media[0].set_attr("tls-id", identity.sha256.replace(":", "")[:32])
        if call.ice is not None:
            write_ice(offer, offer.media[0], call.ice.described())
        return self._offer_later(call, offer, label, method)

    def restart_ice(self, call: DataChannelCall, label: str) -> Answered:
        """Offer new ICE credentials within the call that stands (RFC 8445 section 9); what stands inside goes on.

        Raises:
            InconclusiveError: the call has no ICE, or the new one finds no way.
        """
        if call.ice is None:
            raise InconclusiveError("the answer has no ice-ufrag and ice-pwd, though ICE was offered")
        offer = self._later_offer(call, call.identity)
        own = self._offer_ice(offer, call.udp, "lite" if call.ice.agent.lite else "full")
        answered = self._offer_later(call, offer, label, "INVITE")
        if answered.sdp is not None or answered.fields:
            made = self._begin_ice(call.udp, own, answered, held=False)
            if made is not None:
                call.change_ice(made)
        return answered

    def _later_offer(self, call: DataChannelCall, identity: Identity) -> Sdp:
        return data_channel_offer(
            call.udp.local[0],
            call.udp.local[1],
            fingerprints=[Fingerprint("SHA-256", identity.sha256)],
            setup=call.offered_setup,
            tls_id=call.identity.sha256.replace(":", "")[:32],
            sctp_port=self._sctp_port,
        )

    def _offer_later(self, call: DataChannelCall, offer: Sdp, label: str, method: str) -> Answered:
        answered = self._signalling.offer(offer, label, method=method)
        described = answered.described("application")
        if described is not None:
            call.answered, call.peer = answered, described
        return answered

    def _offer_ice(self, offer: Sdp, udp: UdpEndpoint, ice: Ice) -> IceDescription | None:
        if ice == "none":
            return None
        made = Credentials.make()
        own = IceDescription(made.ufrag, made.password, ice == "lite", (udp.local,))
        write_ice(offer, offer.media[0], own)
        return own

    def _begin_ice(
        self, udp: UdpEndpoint, own: IceDescription | None, answered: Answered, *, held: bool
    ) -> IceEndpoint | None:
        """Start ICE when both ends speak of it; without it in the answer the peer has none (RFC 8839 section 4.2.2)."""
        theirs = answered.ice()
        if own is None or theirs is None:
            return None
        self._session.note(
            "ICE credentials of the answer",
            actor=self._actor,
            exchange=answered.exchange,
            ufrag=theirs.ufrag,
            password=theirs.password,
        )
        candidates = tuple(where for where in theirs.candidates if self._in_scope(where))
        left_out = sorted({where[0] for where in theirs.candidates} - {where[0] for where in candidates})
        agent = IceAgent(
            Credentials(own.ufrag, own.password),
            Credentials(theirs.ufrag, theirs.password),
            controlling=not own.lite or theirs.lite,
            lite=own.lite,
            remote_lite=theirs.lite,
            candidates=candidates,
        )
        return self._session.run(self._ice_endpoint(udp, agent, held, left_out))

    async def _ice_endpoint(self, udp: UdpEndpoint, agent: IceAgent, held: bool, left_out: list[str]) -> IceEndpoint:
        return IceEndpoint(udp, agent, held=held, left_out=left_out)

    def _in_scope(self, where: Address) -> bool:
        try:
            self._session.link.guard.check(where[0])
        except OutOfScopeError:
            text = f"the candidate at {where[0]} is outside the profile's authorised scope, and is left out"
            self._session.note(text, actor=self._actor, out_of_scope=True)
            return False
        return True

    async def _socket(self) -> UdpEndpoint:
        exchange = self._session.exchange("socket")
        local = (self._signalling.local_address, 0)
        return await UdpEndpoint.open(self._session, self._actor, exchange, local=local, quiet=True)
