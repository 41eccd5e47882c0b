"""The journal's bytes are looked for in the packets; what never crossed is found out."""

from __future__ import annotations

from dataclasses import replace

from tests.evidence import samples

from imsproof.evidence import packets, pcapng
from imsproof.evidence.crossing import Crossed, against_plain, missing, protected
from imsproof.evidence.plaintext import Plain
from imsproof.seams import Event, Kind, TapPacket


def crossed(*taps: TapPacket) -> Crossed:
    """What a capture of these packets holds."""
    return Crossed.of(packets.Fabric().wrap(taps))


def test_every_datagram_of_the_journal_is_in_the_capture() -> None:
    """Sent and received, by way and payload."""
    assert missing(samples.register_events(), crossed(*samples.register_packets())) == ([], 2)


def test_a_datagram_counts_once() -> None:
    """Two events need two packets."""
    one, other = samples.register_events()
    again = replace(other, seq=3)
    assert missing([one, other, again], crossed(*samples.register_packets())) == ([again], 3)


def test_a_changed_byte_and_a_wrong_way_are_found() -> None:
    """Neither another text nor the other direction will do."""
    one, other = samples.register_events()
    changed = replace(one, data=one.data.replace(b"CSeq: 1", b"CSeq: 2"))
    turned = replace(other, kind=Kind.SENT)
    assert missing([changed, turned], crossed(*samples.register_packets())) == ([changed, turned], 2)


def test_protected_transports_are_left_out() -> None:
    """Their events hold the plain text, which the packets do not show."""
    events = [samples.event(n, Kind.SENT, b"x", name) for n, name in enumerate(("tls", "dtls", "h2", "sctp", ""), 1)]
    assert missing(events, crossed()) == ([], 0)


def tcp_event(data: bytes, kind: Kind = Kind.SENT) -> Event:
    """A piece of a plain TCP stream."""
    return samples.event(1, kind, data, "tcp")


def test_a_message_in_pieces_is_found_in_its_stream() -> None:
    """Segments are joined, whatever their borders, for each connection on the same ports."""
    a, b = samples.UE, samples.PCSCF
    first = [
        TapPacket(1, "tcp", a, b, b"", "open"),
        TapPacket(2, "tcp", a, b, b"one t"),
        TapPacket(3, "tcp", a, b, b"wo"),
    ]
    second = [TapPacket(4, "tcp", a, b, b"", "open"), TapPacket(5, "tcp", b, a, b"three")]
    capture = crossed(*first, *second)
    assert missing([tcp_event(b"one two"), tcp_event(b"three", Kind.RECEIVED)], capture) == ([], 2)
    assert len(missing([tcp_event(b"three"), tcp_event(b"onetwo")], capture)[0]) == 2


def test_segments_out_of_order_and_sent_again_are_joined() -> None:
    """As the wire has them."""
    a, b = samples.UE, samples.PCSCF
    segments = [(0, packets.SYN, b""), (6, 16, b"two"), (1, 16, b"one -"), (6, 16, b"two"), (1, 16, b"one -")]
    wire = [
        pcapng.Packet(n, pcapng.LINK_RAW, packets.tcp(a, b, seq, 0, flags, data))
        for n, (seq, flags, data) in enumerate(segments)
    ]
    assert missing([tcp_event(b"one -two")], Crossed.of(wire)) == ([], 1)


def test_a_segment_far_ahead_takes_no_memory() -> None:
    """A hostile sequence number is passed over."""
    a, b = samples.UE, samples.PCSCF
    wire = [
        pcapng.Packet(1, pcapng.LINK_RAW, packets.tcp(a, b, 0, 0, packets.SYN)),
        pcapng.Packet(2, pcapng.LINK_RAW, packets.tcp(a, b, 0xF0000000, 0, packets.ACK, b"x")),
    ]
    assert Crossed.of(wire).streams == {(a, b): [bytearray()]}


def test_addresses_in_another_spelling_are_the_same() -> None:
    """IPv6 has many spellings."""
    tap = TapPacket(1, "udp", ("::1", 1), ("::2", 2), b"x")
    event = replace(samples.event(1, Kind.SENT, b"x"), local=("0:0::1", 1), remote=("::0002", 2))
    assert missing([event], crossed(tap)) == ([], 1)


def plain_of(text: bytes) -> Plain:
    """A plain text of one connection, from the tester to the lab."""
    plain = Plain()
    event = samples.event(1, Kind.SENT, text, "tls")
    assert event.local
    assert event.remote
    plain.connections[event.local, event.remote].append([text])
    return plain


def test_protected_messages_are_looked_for_in_the_plain_text() -> None:
    """What is not there is named; what was never opened is counted, not held against anybody."""
    there, other = samples.event(1, Kind.SENT, b"hello", "tls"), samples.event(2, Kind.SENT, b"other", "tls")
    back = samples.event(3, Kind.RECEIVED, b"answer", "tls")
    found = against_plain([there, other, back], crossed(), plain_of(b"well, hello"))
    assert (found.held, found.gone, found.closed) == (1, [other], 1)
    assert against_plain([there, other], crossed(), None).closed == 2


def test_what_was_being_sent_when_the_lab_closed_need_not_have_crossed() -> None:
    """The lab's end must come after it, in the same conversation."""
    sent = samples.event(1, Kind.SENT, b"too late", "tls")
    closed = replace(samples.event(2, Kind.CLOSED, b"", "tcp"), facts={"by": "lab"})
    assert against_plain([sent, closed], crossed(), plain_of(b"x")).cut == 1
    assert against_plain([replace(sent, seq=3), closed], crossed(), plain_of(b"x")).cut == 0


def test_a_message_that_an_early_answer_cut_off_is_told_from_one_that_never_crossed() -> None:
    body = bytes(range(256)) * 4
    sent = samples.event(1, Kind.SENT, body, "tls")
    assert against_plain([sent], crossed(), plain_of(b"POST / HTTP/1.1\r\n\r\n" + body[:700])).cut == 1
    assert against_plain([sent], crossed(), plain_of(body[:700] + b"something else")).gone == [sent]
    assert against_plain([sent], crossed(), plain_of(body[:20])).gone == [sent]


def test_what_the_tester_kept_back_is_not_looked_for() -> None:
    kept = replace(samples.event(1, Kind.SENT, b"kept", "sctp"), facts={"withheld": True})
    assert against_plain([kept], crossed(), plain_of(b"x")).closed == 1


def test_only_what_carries_something_is_protected() -> None:
    empty = samples.event(1, Kind.SENT, b"", "tls")
    fields = replace(samples.event(2, Kind.SENT, b"", "h2"), facts={"headers": [["a", "b"]]})
    assert protected([empty, fields, samples.event(3, Kind.SENT, b"x", "udp")]) == [fields]
