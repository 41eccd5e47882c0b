"""What is not from the peer changes nothing in DTLS (RFC 6347 sections 4.1.2.6, 4.1.2.7, 4.2.1, 4.2.3 and 4.2.8).

Each purpose shows that an association answers, throws one kind of forged datagram at it, and shows that it answers
still. What is thrown could have been made by anybody on the path, so nothing of it may have an effect.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from imsproof.actors import forge
from imsproof.actors.dchandshake import Handshake
from imsproof.actors.tamper import Intruder, Shredder
from imsproof.codec.tlshello import APPLICATION_DATA
from imsproof.dcsteps import associated, associated_once, lives, serves, shaken
from imsproof.engine.identity import make_identity
from imsproof.judge import expect
from imsproof.purpose import purpose, purposes
from imsproof.seams import Role, Subject

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from imsproof.actors.dccall import DataChannelCall
    from imsproof.actors.rawpeer import RawAssociation
    from imsproof.bench import Bench

STRANGERS, HEARTBEATS = 40, 40
WITHIN_WINDOW = 30
"""A record's number that leaves those of the handshake within the window against replays."""
AMPLIFICATION = 3
"""RFC 9147 section 5.1 has servers limit what they send to an address that is not validated to three times."""
ALERTS = (forge.clear_alert(forge.HANDSHAKE_FAILURE), forge.clear_alert(forge.CLOSE_NOTIFY, forge.WARNING))


@dataclass(frozen=True, slots=True)
class Disturbance:
    """What is done to an association that stands, by name; ``setup``: the tester's role in it."""

    name: str
    do: Callable[[DataChannelCall, RawAssociation], Subject]
    setup: str = "actpass"


def forged(kind: str, setup: str = "actpass") -> Disturbance:
    """Datagrams of :data:`imsproof.actors.forge.RECORDS`, under the peer's own address."""
    return Disturbance(forge.RECORDS[kind][0], lambda _, association: association.forge(kind), setup)


def strange(name: str, datagrams: Callable[[DataChannelCall], Sequence[bytes]], setup: str = "actpass") -> Disturbance:
    """Datagrams from another address."""
    return Disturbance(name, lambda call, _: call.stranger(name, datagrams(call)), setup)


@purposes(
    {
        "DC-DTLS-10": forged("bad-record"),
        "DC-DTLS-12": forged("clear-alert"),
        "DC-DTLS-13": forged("future-epoch"),
        "DC-DTLS-14": forged("odd-records"),
        "DC-DTLS-15": forged("huge-handshake"),
        "DC-DTLS-16": forged("hello-again", "active"),
        "DC-DTLS-23": strange("a ClientHello from another address", lambda call: call.hello(), "active"),
        "DC-DTLS-24": strange("alerts from another address", lambda _: ALERTS),
    }
)
def test_what_is_forged_leaves_the_association_alone(bench: Bench, case: Disturbance) -> None:
    """Datagrams that the peer did not make are discarded in silence, and the association lives on."""
    peer = bench.data_channel_peer()
    call, association = associated(peer, setup=case.setup)
    case.do(call, association)
    lives(peer, call, association, case.name)


@purpose("DC-DTLS-11")
def test_replayed_records_leave_the_association_alone(bench: Bench) -> None:
    """A record that comes three times more does no harm; its contents should be taken once."""
    peer = bench.data_channel_peer()
    call, association = associated(peer)
    replayed = association.replayed_heartbeat("heartbeat whose record is replayed")
    expect(replayed).holds("heartbeat-answered").holds("heartbeat-answered-once", role=Role.FORM)
    lives(peer, call, association, "one whose record was replayed")


@purpose("DC-DTLS-32")
def test_every_record_has_a_number_of_its_own(bench: Bench) -> None:
    """Over the handshake and forty answers the lab uses no sequence number, and no nonce, for two records."""
    peer = bench.data_channel_peer()
    call, association = associated(peer)
    many = association.many_heartbeats("heartbeats, one behind the other", HEARTBEATS)
    expect(many).holds("records-numbered-once")
    lives(peer, call, association, "the others")


@purpose("DC-DTLS-17")
def test_application_data_in_clear_is_not_taken(bench: Bench) -> None:
    """Application data in clear, right in every other way, is not taken for the peer's."""
    peer = bench.data_channel_peer()
    call, association = associated(peer)
    expect(association.clear_heartbeat("heartbeat in clear")).holds("heartbeat-not-answered")
    lives(peer, call, association, "one in clear")


@purpose("DC-DTLS-25")
def test_the_session_does_not_follow_a_record_from_elsewhere(bench: Bench) -> None:
    """A genuine record that comes from another address does not turn the session there."""
    peer = bench.data_channel_peer()
    call, association = associated(peer)
    kept = association.withheld_heartbeat("heartbeat that is caught on its way")
    expect(call.stranger("the caught record from another address", kept)).holds("unanswered")
    lives(peer, call, association, "a record from another address")


@purpose("DC-DTLS-28")
def test_another_handshake_beside_the_association_does_not_replace_it(bench: Bench) -> None:
    """A whole handshake with another certificate, from the peer's address, gets no session; the association stays."""
    peer = bench.data_channel_peer()
    call, association = associated(peer, setup="active")
    expect(call.beside("handshake with another certificate", make_identity())).holds("no-session")
    expect(association.heartbeat("heartbeat after another handshake")).holds("heartbeat-answered", role=Role.FORM)
    call.close()
    serves(peer)


@purpose("DC-DTLS-18")
def test_application_data_before_the_handshake_is_not_taken(bench: Bench) -> None:
    """An SCTP INIT in application data in clear, before any handshake, is not answered, and ends no service."""
    peer = bench.data_channel_peer()
    associated_once(peer, setup="active")
    call = peer.open("data channel for early data", setup="active")
    init = forge.first_init(call.sctp_ports)
    early = [forge.clear_record(APPLICATION_DATA, init, sequence=0)]
    expect(call.throw("INIT in application data in clear", early)).holds("no-clear-sctp")
    call.close()
    somebody_else_comes_in(bench)
    serves(peer)


@purpose("DC-DTLS-27")
def test_application_data_during_the_handshake_is_not_taken(bench: Bench) -> None:
    """SCTP in application data in clear between the handshake's messages is not answered; the handshake goes on."""
    peer = bench.data_channel_peer()
    associated_once(peer)
    call = peer.open("data channel for data during the handshake")
    init = forge.first_init(call.sctp_ports)
    intruder = Intruder([forge.clear_record(APPLICATION_DATA, init, sequence=WITHIN_WINDOW)])
    association = call.raw("association, with an INIT in clear during its handshake", Handshake(alter=intruder))
    expect(association).holds("no-clear-sctp").holds("association-up", role=Role.FORM)
    call.close()
    serves(peer)


@purpose("DC-DTLS-19")
def test_fragments_are_put_together_in_whatever_order(bench: Bench) -> None:
    """Handshake messages in small fragments, out of order, overlapping and doubled make a handshake all the same."""
    peer = bench.data_channel_peer()
    shaken(peer)
    call = peer.open("data channel for fragments")
    expect(call.handshake("DTLS in overlapping fragments", Handshake(alter=Shredder()))).accepted()
    call.close()
    serves(peer)


@purpose("DC-DTLS-31")
def test_lost_fragments_are_made_up_for(bench: Bench) -> None:
    """Handshake messages in small fragments of which every other one is lost at first make a handshake all the same."""
    peer = bench.data_channel_peer()
    shaken(peer)
    call = peer.open("data channel for lost fragments")
    expect(call.handshake("DTLS with lost fragments", Handshake(alter=Shredder(losing=True)))).accepted()
    call.close()
    serves(peer)


@purpose("DC-DTLS-20")
def test_a_hello_that_declares_megabytes_does_no_harm(bench: Bench) -> None:
    """Fragments of a hello that declares 16 MB bind no memory and end no service."""
    peer = bench.data_channel_peer()
    shaken(peer)
    call = peer.open("data channel for a huge hello", setup="active")
    call.throw("fragments of a hello of 16 MB", forge.huge_hello())
    call.close()
    somebody_else_comes_in(bench)
    serves(peer)


def somebody_else_comes_in(bench: Bench) -> None:
    """Claim that another call gets its DTLS."""
    call = bench.data_channel_peer().open("data channel of somebody else")
    expect(call.handshake("DTLS of somebody else")).accepted()
    call.close()


RACES: dict[str, tuple[str, Callable[[DataChannelCall], Subject]]] = {
    "DC-DTLS-21": ("", lambda call: call.stranger("ClientHello from another address, first", call.hello())),
    "DC-DTLS-22": (
        "",
        lambda call: call.elsewhere(
            "handshake from another address, first", Handshake(identity=make_identity(), injected=True)
        ),
    ),
    "DC-DTLS-29": (
        "no-server-hello",
        lambda call: call.strangers(f"ClientHellos from {STRANGERS} other ports, first", STRANGERS),
    ),
}
"""What comes from elsewhere before the rightful peer, and the form in which it should be refused."""


@purposes(RACES)
def test_who_comes_from_elsewhere_does_not_win_the_race(
    bench: Bench, case: tuple[str, Callable[[DataChannelCall], Subject]]
) -> None:
    """Hellos and handshakes from other addresses before the rightful ones neither take nor kill the session."""
    form, come = case
    peer = bench.data_channel_peer()
    shaken(peer, setup="active")
    call = peer.open("data channel that is raced for", setup="active")
    others = come(call)
    if form:
        expect(others).holds(form, role=Role.FORM)
    rightful = call.handshake("the rightful peer, after the others")
    expect(rightful).accepted().holds("no-alert")
    call.close()
    serves(peer)


@purpose("DC-DTLS-26")
def test_a_hello_from_elsewhere_is_not_amplified(bench: Bench) -> None:
    """An address that proved nothing gets back no more than three times the bytes that came from it."""
    peer = bench.data_channel_peer()
    shaken(peer, setup="active")
    call = peer.open("data channel that nobody connects to", setup="active")
    probe = call.stranger("ClientHello from another address", call.hello())
    expect(probe).holds("not-amplified", factor=AMPLIFICATION)
    call.close()
    serves(peer)
