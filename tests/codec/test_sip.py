"""SIP messages: nothing is lost, everything is found."""

from __future__ import annotations

import pytest
import sipmessage
from hypothesis import given
from hypothesis import strategies as st

from imsproof.codec import sip

INVITE = (
    b"INVITE sip:bob@example.org SIP/2.0\r\n"
    b"v: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKa\r\n"
    b"Via:  SIP/2.0/UDP 192.0.2.2;branch=z9hG4bKb ,\r\n\t SIP/2.0/TCP 192.0.2.3;branch=z9hG4bKc\r\n"
    b'f: "Alice, A." <sip:alice@example.org>;tag=1\r\n'
    b"TO :\r\n sip:bob@example.org\r\n"
    b"Call-ID: x@y\nCSeq: 7   INVITE\r\n"
    b"l: 4\r\n\r\nbody"
)

TOKENS = st.text("abcdefghijklmnopqrstuvwxyzABC-.!%*_+'~0123456789", min_size=1, max_size=12)
GAPS = st.sampled_from(["", " ", "  ", "\t", "\r\n ", " \r\n\t ", "\n  "])
ENDS = st.sampled_from([b"\r\n", b"\n"])


@st.composite
def odd_messages(draw: st.DrawFn) -> bytes:
    """Messages with any spacing, folding, line ends and bodies."""
    start = draw(
        st.sampled_from(["INVITE sip:a@b SIP/2.0", "OPTIONS  sip:a  SIP/7.0 ", "SIP/2.0 200 OK", "SIP/2.0 99"])
    )
    out = draw(st.sampled_from([b"", b"\r\n", b"\r\n\r\n"])) + start.encode() + draw(ENDS)
    for _ in range(draw(st.integers(0, 6))):
        value = draw(TOKENS) + draw(GAPS) + draw(TOKENS)
        out += (draw(TOKENS) + draw(GAPS) + ":" + draw(GAPS) + value).encode() + draw(ENDS)
    return out + draw(st.sampled_from([b"", b"\r\n", b"\n"])) + draw(st.binary(max_size=40))


@given(odd_messages())
def test_parsed_and_written_again_is_the_same_bytes(data: bytes) -> None:
    assert sip.Message.parse(data).to_bytes() == data
    assert sip.Message.parse(data).copy().to_bytes() == data


@given(st.binary(max_size=400))
def test_any_bytes_are_kept_or_have_no_start_line(data: bytes) -> None:
    try:
        message = sip.Message.parse(data)
    except sip.SipSyntaxError:
        return
    assert message.to_bytes() == data
    assert isinstance(message.method, str)
    assert isinstance(message.status, int)


@given(st.binary(max_size=200))
def test_any_header_bytes_after_a_start_line_are_kept(data: bytes) -> None:
    whole = b"REGISTER sip:a SIP/2.0\r\n" + data
    message = sip.Message.parse(whole)
    assert message.to_bytes() == whole
    for header in message.headers:
        assert isinstance(header.value, str)


def test_compact_and_folded_headers_are_found_by_their_long_names() -> None:
    message = sip.Message.parse(INVITE)
    assert (message.method, message.uri, message.version) == ("INVITE", "sip:bob@example.org", "SIP/2.0")
    assert [value.split(";")[0] for value in message.values("Via")] == [
        "SIP/2.0/UDP 192.0.2.1:5060",
        "SIP/2.0/UDP 192.0.2.2",
        "SIP/2.0/TCP 192.0.2.3",
    ]
    assert len(message.get_all("via")) == 2
    assert message.get("To") == "sip:bob@example.org"
    assert message.get("cseq") == "7   INVITE"
    assert message.body == b"body"
    assert message.get("Route") is None


def test_changing_one_header_leaves_the_other_bytes_as_they_were() -> None:
    message = sip.Message.parse(INVITE)
    message.set("Call-ID", "new")
    assert message.to_bytes() == INVITE.replace(b"Call-ID: x@y\n", b"Call-ID: new\r\n")


def test_first_puts_a_header_before_its_kind() -> None:
    message = sip.Message.parse(INVITE)
    message.add("Via", "top", first=True)
    assert message.values("Via")[0] == "top"
    message.remove("Via")
    assert message.values("Via") == []
    message.add("Via", "top", first=True)
    assert message.headers[0].name == "Via"


def test_a_new_body_keeps_content_length_right_and_a_lie_stays_possible() -> None:
    message = sip.Message.parse(INVITE)
    message.body = b"longer body"
    assert message.get("Content-Length") == "11"
    message.set("Content-Length", "-999")
    assert b"Content-Length: -999\r\n\r\nlonger body" in message.to_bytes()


def test_a_changed_copy_does_not_change_the_original() -> None:
    message = sip.Message.parse(INVITE)
    other = message.copy()
    other.remove("Via")
    other.uri = "sip:other@example.org"
    assert message.to_bytes() == INVITE
    assert other.start_line == "INVITE sip:other@example.org SIP/2.0"


@pytest.mark.parametrize("data", [b"", b"\r\n\r\n", b"garbage\r\n\r\n", b"INVITE sip:a\r\n\r\n", b"SIP/2.0\r\n\r\n"])
def test_no_start_line_is_said_so(data: bytes) -> None:
    with pytest.raises(sip.SipSyntaxError, match="no start line"):
        sip.Message.parse(data)


def test_odd_start_lines_are_taken_apart() -> None:
    message = sip.Message.parse(b"INVITE sip:u@example.com; lr SIP/2.0\r\n\r\n")
    assert message.uri == "sip:u@example.com; lr"
    answer = sip.Message.parse(b"SIP/2.0 4294967301 better not\r\n\r\n")
    assert (answer.is_request, answer.status, answer.reason) == (False, 4294967301, "better not")
    assert sip.Message.parse(b"SIP/2.0 abc\r\n\r\n").status == -1


def test_response_copies_what_ties_it_to_the_request() -> None:
    message = sip.Message.parse(INVITE.replace(b"l: 4", b"Record-Route: <sip:p;lr>\r\nl: 4"))
    answer = sip.response(message, 180, to_tag="t", headers=[("Contact", "<sip:b@h>")], record_route=True)
    assert answer.start_line == "SIP/2.0 180 Ringing"
    assert answer.values("Via") == message.values("Via")
    assert answer.get("To") == "sip:bob@example.org;tag=t"
    assert answer.get("Record-Route") == "<sip:p;lr>"
    assert answer.method == "INVITE"
    assert answer.get("Content-Length") == "0"
    again = sip.response(
        sip.Message.parse(answer.to_bytes().replace(b"SIP/2.0 180 Ringing", b"BYE x SIP/2.0")), 200, to_tag="u"
    )
    assert again.get("To") == "sip:bob@example.org;tag=t"


def test_an_independent_parser_reads_what_we_write() -> None:
    message = sip.request(
        "REGISTER",
        "sip:ims.example",
        [
            ("Via", "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKx"),
            ("Max-Forwards", "70"),
            ("From", "<sip:a@ims.example>;tag=1"),
            ("To", "<sip:a@ims.example>"),
            ("Call-ID", "c"),
            ("CSeq", "1 REGISTER"),
            ("Contact", "<sip:a@192.0.2.1:5060>;expires=600"),
        ],
        b"x",
    )
    other = sipmessage.Message.parse(message.to_bytes())
    assert isinstance(other, sipmessage.Request)
    assert other.method == message.method
    assert str(other.uri) == message.uri
    assert other.cseq is not None
    assert other.cseq.sequence == 1
    assert other.content_length == 1
    assert [str(via) for via in other.via] == message.values("Via")


def test_framer_cuts_a_stream_wherever_it_is_split() -> None:
    one = b"OPTIONS sip:a SIP/2.0\r\nContent-Length: 3\r\n\r\nabc"
    two = b"OPTIONS sip:b SIP/2.0\r\nl:0\r\n\r\n"
    stream = one + b"\r\n\r\n" + two + two
    for cut in range(len(stream)):
        framer = sip.StreamFramer()
        assert framer.feed(stream[:cut]) + framer.feed(stream[cut:]) == [one, two, two]
        assert framer.pending == b""


def test_framer_counts_keep_alives() -> None:
    framer = sip.StreamFramer()
    assert framer.feed(b"\r\n\r\n") == []
    assert framer.pings == 1


@pytest.mark.parametrize("length", [b"-1", b"x", b"99999", b"1\r\nContent-Length: 2"])
def test_framer_gives_a_stream_up_whose_end_it_cannot_know(length: bytes) -> None:
    with pytest.raises(sip.SipSyntaxError):
        sip.StreamFramer(limit=1000).feed(b"OPTIONS sip:a SIP/2.0\r\nContent-Length: " + length + b"\r\n\r\n")


def test_framer_does_not_collect_headers_without_end() -> None:
    framer = sip.StreamFramer(limit=100)
    with pytest.raises(sip.SipSyntaxError):
        framer.feed(b"A" * 101)
