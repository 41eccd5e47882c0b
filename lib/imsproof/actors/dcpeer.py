"""The data-channel peer: offers data channels as a UE does, through the signalling that the profile gives."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imsproof.actors.dccall import DataChannelCall
from imsproof.codec.sdp import BOOTSTRAP, Dcmap, Fingerprint, Sdp, data_channel_offer
from imsproof.engine.identity import Identity, make_identity
from imsproof.link.udp import UdpEndpoint

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from imsproof.actors.signalling import Answered, Signalling
    from imsproof.link.session import Session


class DataChannelPeer:
    """The tester as one end of data channels.

    Args:
        session: the purpose's session.
        signalling: how offers reach the lab.
        actor: the name in the journal.
        sctp_port: SCTP port that is offered.
    """

    def __init__(self, session: Session, signalling: Signalling, *, actor: str = "ue-a", sctp_port: int = 5000) -> None:
        self._session = session
        self._signalling = signalling
        self._actor = actor
        self._sctp_port = sctp_port
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
        if edit is not None:
            edit(offer)
        answered = self._signalling.offer(offer, label)
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
        )

    def offer_again(self, call: DataChannelCall, label: str, identity: Identity) -> Answered:
        """Offer another certificate within the call that stands, under the same tls-id; the call goes on with it."""
        offer = data_channel_offer(
            call.udp.local[0],
            call.udp.local[1],
            fingerprints=[Fingerprint("SHA-256", identity.sha256)],
            setup=call.offered_setup,
            tls_id=call.identity.sha256.replace(":", "")[:32],
            sctp_port=self._sctp_port,
        )
        answered = self._signalling.offer(offer, label)
        described = answered.described("application")
        if described is not None:
            call.answered, call.peer = answered, described
        return answered

    async def _socket(self) -> UdpEndpoint:
        exchange = self._session.exchange("socket")
        local = (self._signalling.local_address, 0)
        return await UdpEndpoint.open(self._session, self._actor, exchange, local=local, quiet=True)
