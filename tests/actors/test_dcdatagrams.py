"""Datagrams thrown at the reference MF, from the port of the offer and from others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imsproof.actors.dcdatagrams import first_flight
from imsproof.codec.dtls import CLIENT_HELLO, handshakes, split_records
from imsproof.seams import Kind

if TYPE_CHECKING:
    from imsproof.actors.dcpeer import DataChannelPeer
    from imsproof.link.session import Session


def test_a_stranger_is_counted_and_hears_nothing(caller: DataChannelPeer, lab: Session) -> None:
    call = caller.open("data channel", setup="active")
    answer = call.stranger("hello", call.hello())
    assert answer.data == ()
    [counted] = [event for event in lab.record.events if event.kind is Kind.COUNTED]
    assert counted.facts["received"] == 0
    assert counted.facts["sent_bytes"] > 100
    call.close()


def test_what_is_thrown_comes_from_the_port_of_the_offer(caller: DataChannelPeer) -> None:
    call = caller.open("data channel", setup="active")
    assert call.throw("hello", call.hello()).data
    call.close()


def test_many_ports_hear_nothing_either(caller: DataChannelPeer) -> None:
    call = caller.open("data channel", setup="active")
    assert call.strangers("hellos", 5).data == ()
    assert call.handshake("DTLS").connected
    call.close()


def test_the_first_flight_is_one_hello() -> None:
    [datagram] = first_flight()
    [record] = split_records(datagram)
    assert handshakes(record.fragment)[0].message_type == CLIENT_HELLO
