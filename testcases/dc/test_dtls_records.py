"""What is not from the peer changes nothing in DTLS (RFC 6347 sections 4.1.2.6, 4.1.2.7, 4.2.1, 4.2.3 and 4.2.8).

Each purpose shows that an association answers, throws one kind of forged datagram at it, and shows that it answers
still. What is thrown could have been made by anybody on the path, so nothing of it may have an effect.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from imsproof.actors import forge
from imsproof.actors.dccall import Handshake
from imsproof.actors.tamper import Intruder, Shredder
from imsproof.codec.tlshello import APPLICATION_DATA
from imsproof.engine.identity import make_identity
from imsproof.judge import alive, control, expect
from imsproof.purpose import purpose, purposes
from imsproof.seams import Role

if TYPE_CHECKING:
    from imsproof.actors.dccall import DataChannelCall
    from imsproof.actors.dcpeer import DataChannelPeer
    from imsproof.actors.rawpeer import RawAssociation
    from imsproof.bench import Bench

STRANGERS = 40
WITHIN_WINDOW = 30
"""A record's number that leaves those of the handshake within the window against replays."""
AMPLIFICATION = 3
"""RFC 9147 section 5.1 has servers limit what they send to an address that is not validated to three times."""


def associated(peer: DataChannelPeer, setup: str = "actpass") -> tuple[DataChannelCall, RawAssociation]:
    """Bring an association up and show that it answers."""
    call = peer.open("data channel", setup=setup)
    association = call.raw("association")
    control(association).holds("association-up")
    control(association.heartbeat("heartbeat before")).holds("heartbeat-answered")
    return call, association


def lives(peer: DataChannelPeer, call: DataChannelCall, association: RawAssociation) -> None:
    """Claim that the association answers still, heard no alert, and that new ones come up."""
    expect(association.heartbeat("heartbeat afterwards")).holds("heartbeat-answered")
    expect(association).holds("no-alert")
    call.close()
    serves(peer)


def serves(peer: DataChannelPeer) -> None:
    """Show that the lab still takes data channels."""
    call = peer.open("data channel again")
    alive(call.handshake("DTLS again"))
    call.close()


@purposes(
    {
        "DC-DTLS-10": "bad-record",
        "DC-DTLS-12": "clear-alert",
        "DC-DTLS-13": "future-epoch",
        "DC-DTLS-14": "odd-records",
        "DC-DTLS-15": "huge-handshake",
    }
)
def test_forged_records_leave_the_association_alone(bench: Bench, case: str) -> None:
    """Records that the peer did not make are discarded in silence, and the association lives on."""
    peer = bench.data_channel_peer()
    call, association = associated(peer)
    association.forge(case)
    lives(peer, call, association)


@purpose("DC-DTLS-11")
def test_replayed_records_leave_the_association_alone(bench: Bench) -> None:
    """A record that comes three times more does no harm; its contents should be taken once."""
    peer = bench.data_channel_peer()
    call, association = associated(peer)
    replayed = association.replayed_heartbeat("heartbeat whose record is replayed")
    expect(replayed).holds("heartbeat-answered").that(
        "heartbeat-answered-once", role=Role.FORM, exchange=replayed.exchange
    )
    lives(peer, call, association)


@purpose("DC-DTLS-16")
def test_a_hello_under_the_peers_address_leaves_the_association_alone(bench: Bench) -> None:
    """The ClientHello comes again from the peer's address: the association that stands is not given up for it."""
    peer = bench.data_channel_peer()
    call, association = associated(peer, "active")
    association.forge("hello-again")
    lives(peer, call, association)


@purpose("DC-DTLS-17")
def test_application_data_in_clear_is_not_taken(bench: Bench) -> None:
    """Application data in clear, right in every other way, is not taken for the peer's."""
    peer = bench.data_channel_peer()
    call, association = associated(peer)
    expect(association.clear_heartbeat("heartbeat in clear")).holds("heartbeat-not-answered")
    lives(peer, call, association)


@purpose("DC-DTLS-18")
def test_application_data_before_the_handshake_is_not_taken(bench: Bench) -> None:
    """An SCTP INIT in application data in clear, before any handshake, is not answered, and ends no service."""
    peer = bench.data_channel_peer()
    call, _ = associated(peer, "active")
    call.close()
    call = peer.open("data channel for early data", setup="active")
    init = forge.first_init(call.sctp_ports)
    early = [forge.clear_record(APPLICATION_DATA, init, sequence=0)]
    expect(call.throw("INIT in application data in clear", early)).holds("no-clear-sctp")
    call.close()
    call = peer.open("data channel of somebody else")
    expect(call.handshake("DTLS of somebody else")).accepted()
    call.close()
    serves(peer)


@purpose("DC-DTLS-27")
def test_application_data_during_the_handshake_is_not_taken(bench: Bench) -> None:
    """SCTP in application data in clear between the handshake's messages is not answered; the handshake goes on."""
    peer = bench.data_channel_peer()
    call, _ = associated(peer)
    call.close()
    call = peer.open("data channel for data during the handshake")
    init = forge.first_init(call.sctp_ports)
    intruder = Intruder([forge.clear_record(APPLICATION_DATA, init, sequence=WITHIN_WINDOW)])
    association = call.raw("association, with an INIT in clear during its handshake", Handshake(alter=intruder))
    expect(association).holds("no-clear-sctp").holds("association-up", role=Role.FORM)
    call.close()
    serves(peer)


@purpose("DC-DTLS-28")
def test_another_handshake_beside_the_association_does_not_replace_it(bench: Bench) -> None:
    """A whole handshake with another certificate, from the peer's address, gets no session; the association stays."""
    peer = bench.data_channel_peer()
    call, association = associated(peer, "active")
    expect(call.beside("handshake with another certificate", make_identity())).holds("no-session")
    expect(association.heartbeat("heartbeat afterwards")).holds("heartbeat-answered", role=Role.FORM)
    call.close()
    serves(peer)


@purpose("DC-DTLS-29")
def test_many_hellos_from_elsewhere_bind_nothing(bench: Bench) -> None:
    """Forty ports say hello before the rightful peer: it comes in all the same, and they got no handshake."""
    peer = bench.data_channel_peer()
    call, _ = associated(peer, "active")
    call.close()
    call = peer.open("data channel that many ask for", setup="active")
    many = call.strangers("ClientHellos from forty other ports", STRANGERS)
    expect(many).holds("no-server-hello", role=Role.FORM)
    rightful = call.handshake("the rightful peer, last")
    expect(rightful).accepted().holds("no-alert")
    call.close()
    serves(peer)


@purpose("DC-DTLS-19")
def test_fragments_are_put_together_in_whatever_order(bench: Bench) -> None:
    """Handshake messages in small fragments, out of order, overlapping and doubled make a handshake all the same."""
    peer = bench.data_channel_peer()
    call = peer.open("data channel")
    control(call.handshake("DTLS")).accepted()
    call.close()
    call = peer.open("data channel for fragments")
    expect(call.handshake("DTLS in overlapping fragments", Handshake(alter=Shredder()))).accepted()
    call.close()
    serves(peer)


@purpose("DC-DTLS-20")
def test_a_hello_that_declares_megabytes_does_no_harm(bench: Bench) -> None:
    """Fragments of a hello that declares 16 MB bind no memory and end no service."""
    peer = bench.data_channel_peer()
    call = peer.open("data channel")
    control(call.handshake("DTLS")).accepted()
    call.close()
    call = peer.open("data channel for a huge hello", setup="active")
    call.throw("fragments of a hello of 16 MB", forge.huge_hello())
    call.close()
    call = peer.open("data channel of somebody else")
    expect(call.handshake("DTLS of somebody else")).accepted()
    call.close()
    serves(peer)


@purpose("DC-DTLS-21")
def test_a_hello_from_elsewhere_does_not_win_the_race(bench: Bench) -> None:
    """A ClientHello from another address before the rightful one neither takes nor kills the session."""
    peer = bench.data_channel_peer()
    call, _ = associated(peer, "active")
    call.close()
    call = peer.open("data channel that is raced for", setup="active")
    call.stranger("ClientHello from another address, first", call.hello())
    rightful = call.handshake("the rightful peer, second")
    expect(rightful).accepted().holds("no-alert")
    call.close()
    serves(peer)


@purpose("DC-DTLS-22")
def test_a_handshake_from_elsewhere_does_not_take_the_session(bench: Bench) -> None:
    """A whole handshake with another certificate from another address fails, and the rightful peer still comes in."""
    peer = bench.data_channel_peer()
    call = peer.open("data channel", setup="active")
    control(call.handshake("DTLS")).accepted()
    call.close()
    call = peer.open("data channel that is raced for", setup="active")
    foreign = Handshake(identity=make_identity(), injected=True)
    call.elsewhere("handshake from another address, first", foreign)
    expect(call.handshake("the rightful peer, second")).accepted()
    call.close()
    serves(peer)


@purpose("DC-DTLS-23")
def test_a_hello_from_elsewhere_leaves_the_association_alone(bench: Bench) -> None:
    """A ClientHello from another address does not end the association that stands."""
    peer = bench.data_channel_peer()
    call, association = associated(peer, "active")
    call.stranger("ClientHello from another address", call.hello())
    lives(peer, call, association)


@purpose("DC-DTLS-24")
def test_alerts_from_elsewhere_leave_the_association_alone(bench: Bench) -> None:
    """Alerts and close_notify in clear from another address do not end the association that stands."""
    peer = bench.data_channel_peer()
    call, association = associated(peer)
    alerts = [forge.clear_alert(forge.HANDSHAKE_FAILURE), forge.clear_alert(forge.CLOSE_NOTIFY, forge.WARNING)]
    call.stranger("alerts from another address", alerts)
    lives(peer, call, association)


@purpose("DC-DTLS-25")
def test_the_session_does_not_follow_a_record_from_elsewhere(bench: Bench) -> None:
    """A genuine record that comes from another address does not turn the session there."""
    peer = bench.data_channel_peer()
    call, association = associated(peer)
    kept = association.withheld_heartbeat("heartbeat that is caught on its way")
    expect(call.stranger("the caught record from another address", kept)).holds("unanswered")
    lives(peer, call, association)


@purpose("DC-DTLS-26")
def test_a_hello_from_elsewhere_is_not_amplified(bench: Bench) -> None:
    """An address that proved nothing gets back no more than three times the bytes that came from it."""
    peer = bench.data_channel_peer()
    call, _ = associated(peer, "active")
    call.close()
    call = peer.open("data channel that nobody connects to", setup="active")
    probe = call.stranger("ClientHello from another address", call.hello())
    expect(probe).holds("not-amplified", factor=AMPLIFICATION)
    call.close()
    serves(peer)
