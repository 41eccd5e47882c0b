"""Media strategies: valid ones read as themselves, with second opinions where there are any."""

from __future__ import annotations

from hypothesis import given, settings

from imsproof.codec import dcep, dtls, rtp, sctp, stun
from imsproof.codec.tlshello import ClientHello
from imsproof.fuzzing.strategies import media

few = settings(max_examples=40, deadline=None)


@few
@given(media.dcep_messages, media.sctp_chunks(), media.rtp_packets(), media.dtls_records(), media.any_chunks)
def test_binary_protocols_read_as_themselves(
    message: bytes, chunks: bytes, packet: bytes, record: bytes, more: bytes
) -> None:
    assert dcep.parse(message).to_bytes() == message
    assert sctp.Packet.parse(bytes(12) + chunks).chunks
    assert sctp.Packet.parse(bytes(12) + more).chunks
    assert rtp.RtpPacket.parse(packet)
    assert dtls.split_records(record)


@few
@given(media.dtls_hellos())
def test_hellos_are_one_message_in_one_or_several_records(data: bytes) -> None:
    parts = [part for record in dtls.split_records(data) for part in dtls.handshakes(record.fragment)]
    body = b"".join(part.body for part in sorted(parts, key=lambda part: part.offset))
    hello = ClientHello.parse(body, dtls=True)
    assert hello.suites
    assert hello.to_bytes() == body


@few
@given(media.stun_messages())
def test_stun_reads_as_it_was_written(data: bytes) -> None:
    assert stun.Message.parse(data).to_bytes() == data


@few
@given(media.msrp_messages())
def test_msrp_ends_as_it_began(data: bytes) -> None:
    name = data.split(b" ")[1]
    assert data.endswith(b"-------" + name + b"$\r\n")
