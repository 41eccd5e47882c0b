"""What the testcases of data channels do again and again: show that one comes up, that it lives, that it is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imsproof.actors import applications
from imsproof.actors.dchandshake import Handshake
from imsproof.judge import afterwards, alive, control, expect
from imsproof.seams import Role

if TYPE_CHECKING:
    from OpenSSL import SSL

    from imsproof.actors.dccall import Association, DataChannelCall
    from imsproof.actors.dcpeer import DataChannelPeer
    from imsproof.actors.rawpeer import RawAssociation
    from imsproof.engine.identity import Identity
    from imsproof.link.subject import HttpAnswer

MOVES = 3
RIGHT_PLACES = ("signalling", "DTLS")
"""Links at which a chain stops whose certificate is not the announced one (RFC 8122 section 6.2)."""


def shaken(peer: DataChannelPeer, *, setup: str = "actpass") -> None:
    """The control: a DTLS handshake with the certificate of the offer completes."""
    call = peer.open("data channel", setup=setup)
    control(call.handshake("DTLS with the certificate of the offer")).accepted()
    call.close()


def connected(peer: DataChannelPeer) -> None:
    """The control: with the certificate of the offer an SCTP association comes up inside DTLS."""
    call = peer.open("data channel")
    control(call.connect("the certificate of the offer")).holds("association-up")
    call.close()


def associated(
    peer: DataChannelPeer, label: str = "data channel", *, setup: str = "actpass"
) -> tuple[DataChannelCall, RawAssociation]:
    """The control: an association stands, and answers a HEARTBEAT."""
    call = peer.open(label, setup=setup)
    association = call.raw(f"association of {label}")
    control(association).holds("association-up")
    control(association.heartbeat(f"heartbeat of {label}")).holds("heartbeat-answered")
    return call, association


def beside(others: RawAssociation) -> None:
    """The control: somebody else's association answers although another call has begun."""
    label = "somebody else's heartbeat beside another data channel (dc.at_once: 1, if the peer holds one only)"
    control(others.heartbeat(label)).holds("heartbeat-answered")


def associated_once(peer: DataChannelPeer, *, setup: str = "actpass") -> None:
    """The control: an association comes up and answers; it is ended again."""
    call, _ = associated(peer, setup=setup)
    call.close()


def lives(peer: DataChannelPeer, call: DataChannelCall, association: RawAssociation, after: str) -> None:
    """Claim that ``after`` something the association answers and heard no alert; then show that new ones come up."""
    expect(association.heartbeat(f"heartbeat after {after}")).holds("heartbeat-answered")
    expect(association).holds("no-alert")
    call.close()
    serves(peer)


def spared(peer: DataChannelPeer, call: DataChannelCall, association: RawAssociation, after: str) -> None:
    """Claim that ``after`` something somebody else's association answers still; then show that new ones come up."""
    heartbeat = association.heartbeat(f"somebody else's heartbeat after {after}")
    unharmed = expect(heartbeat).holds("heartbeat-answered").held
    call.close()
    if unharmed:
        serves(peer)


def refused(
    call: DataChannelCall,
    name: str,
    identity: Identity | None = None,
    *,
    session: SSL.Session | None = None,
    role: Role = Role.CLAIM,
) -> None:
    """Claim that an offer, or else a certificate (the offer's when ``None``), gets no association; end the call.

    With a ``session`` of a former association the handshake asks to take that up.

    Where the chain stopped is judged as the form: in the signalling, or in DTLS.
    """
    if call.peer is None:
        expect(call).holds("no-data-channel", role=role)
    else:
        attack = call.connect(name, Handshake(identity=identity, session=session, injected=True))
        expect(attack).holds("no-association", role=role).that(
            "chain-stopped", role=Role.FORM, exchanges=[call.exchange, attack.exchange], at=list(RIGHT_PLACES)
        )
    call.close()


def root(call: DataChannelCall, association: Association, label: str) -> HttpAnswer:
    """Fetch the root of the bootstrap channel, and follow where it leads."""
    answer = call.get(association, "/", label=label)
    for _ in range(MOVES):
        path = applications.moved_to(answer)
        if not path:
            break
        answer = call.get(association, path, label=f"{label}, moved to {path}")
    return answer


def serves(peer: DataChannelPeer) -> None:
    """Show that the lab takes data channels still."""
    call = peer.open("data channel again")
    if call.peer is None:
        afterwards(call).holds("gives-data-channel")
    else:
        alive(call.handshake("DTLS again"))
    call.close()
