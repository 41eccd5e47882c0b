"""Strategies: what is called valid is valid for an independent parser and for the reference lab's door."""

from __future__ import annotations

import json

import sipmessage
from hypothesis import given, settings
from hypothesis import strategies as st

from imsproof.codec import dcep, dtls, rtp, sctp
from imsproof.codec.sdp import Sdp
from imsproof.codec.sip import Message
from imsproof.fuzzing import strategies
from imsproof.lab.sip.validate import check

few = settings(max_examples=40, deadline=None)


@few
@given(strategies.valid_sip())
def test_valid_sip_is_read_by_an_independent_parser_and_let_in_by_the_lab(data: bytes) -> None:
    head = data.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
    assert sipmessage.Message.parse(head)
    assert check(Message.parse(data), datagram=True) is None


@few
@given(strategies.nearly_valid_sip())
def test_nearly_valid_sip_is_bytes_of_bounded_size(data: bytes) -> None:
    assert 0 < len(data) < 200_000


@few
@given(strategies.valid_sdp())
def test_valid_offers_keep_their_channels(data: bytes) -> None:
    channel = Sdp.parse(data).data_channel()
    assert channel is not None
    assert channel.dcmaps


@few
@given(strategies.json_bodies)
def test_json_is_json(data: bytes) -> None:
    json.loads(data)


@few
@given(strategies.dcep_messages, strategies.sctp_chunks(), strategies.rtp_packets(), strategies.dtls_records())
def test_binary_protocols_read_as_themselves(message: bytes, chunks: bytes, packet: bytes, record: bytes) -> None:
    assert dcep.parse(message).to_bytes() == message
    whole = sctp.Packet.parse(bytes(12) + chunks)
    assert whole.chunks
    assert rtp.RtpPacket.parse(packet)
    assert dtls.split_records(record)


@few
@given(strategies.msrp_messages())
def test_msrp_ends_as_it_began(data: bytes) -> None:
    name = data.split(b" ")[1]
    assert data.endswith(b"-------" + name + b"$\r\n")


@few
@given(st.one_of(strategies.edited(st.just(b"v=0\r\n")), strategies.wild, strategies.nearly_valid_json))
def test_what_is_broken_is_still_bytes(data: bytes) -> None:
    assert isinstance(data, bytes)
