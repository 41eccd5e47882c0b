"""MSRP messages and URIs: written as they are read, one by one out of a stream, and wrong on purpose."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imsproof.codec.msrp import (
    MsrpMessage,
    MsrpReader,
    MsrpSyntaxError,
    MsrpUri,
    parse_path,
    parse_range,
    request,
    response,
)

TO, FROM = "msrps://192.0.2.1:2855/abc;tcp", "msrps://192.0.2.2:9/def;tcp"
token = st.text("abcdefghijklmnopqrstuvwxyzABC0123456789", min_size=4, max_size=20)
value = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=40)
body = st.none() | st.binary(max_size=200)


@st.composite
def messages(draw: st.DrawFn) -> MsrpMessage:
    headers = draw(st.lists(st.tuples(st.sampled_from(["Message-ID", "Byte-Range", "X-Any"]), value), max_size=4))
    made = request(draw(st.sampled_from(["SEND", "REPORT", "AUTH"])), draw(token), TO, FROM, headers, draw(body))
    return MsrpMessage(made.transaction, made.method, 0, "", made.headers, made.body, draw(st.sampled_from("$+#")))


@given(st.lists(messages(), max_size=4), st.integers(1, 50))
def test_what_is_written_is_read_again_in_any_pieces(sent: list[MsrpMessage], size: int) -> None:
    data = b"".join(one.to_bytes() for one in sent)
    if any(one.end_line() in (one.body or b"") + b"\r\n" for one in sent):
        return  # a sender draws another transaction id then (RFC 4975 clause 7.1)
    reader, found = MsrpReader(), list[MsrpMessage]()
    for start in range(0, len(data), size):
        found += reader.feed(data[start : start + size])
    assert found == sent
    assert not reader.waiting


@given(st.binary(max_size=300))
def test_any_bytes_are_messages_or_an_error(data: bytes) -> None:
    with contextlib.suppress(MsrpSyntaxError):
        assert all(one.status or one.method for one in MsrpReader().feed(data))


def test_a_response_goes_back_to_the_previous_hop() -> None:
    send = request("SEND", "t1234", TO, f"{FROM} msrp://192.0.2.3:1/x;tcp")
    assert response(send, 200, "OK").get("To-Path") == FROM
    other = request("AUTH", "t1234", TO, f"{FROM} msrp://192.0.2.3:1/x;tcp")
    assert response(other, 401).get("to-path") == f"{FROM} msrp://192.0.2.3:1/x;tcp"
    assert MsrpReader().feed(response(send, 481).to_bytes())[0].status == 481


def test_only_the_own_end_line_ends_a_message_unless_the_reader_is_careless() -> None:
    inner = request("SEND", "inner123", TO, FROM, body=b"hidden")
    content = b"text\r\n-------other123$\r\n" + inner.to_bytes() + b"more"
    outer = request("SEND", "outer123", TO, FROM, body=content)
    assert MsrpReader().feed(outer.to_bytes()) == [outer]
    careless = MsrpReader(any_end=True)
    found = careless.feed(outer.to_bytes())
    assert [one.transaction for one in found] == ["outer123", "inner123"]
    assert found[0].end == "other123"
    assert careless.broken
    with pytest.raises(MsrpSyntaxError):
        careless.feed(b"anything")


def test_a_reader_has_limits() -> None:
    endless = request("SEND", "t1234", TO, FROM, body=b"x" * 900).to_bytes()[:-20]
    with pytest.raises(MsrpSyntaxError, match="a message of more than 500"):
        MsrpReader(limit=500).feed(endless)
    huge = request("SEND", "t1234", TO, FROM, [("X-Huge", "x" * 900)])
    with pytest.raises(MsrpSyntaxError, match="header fields of more than 500"):
        MsrpReader(head_limit=500).feed(huge.to_bytes())
    with pytest.raises(MsrpSyntaxError, match="header fields of more than 500"):
        MsrpReader(head_limit=500).feed(huge.to_bytes()[:-20])


def test_a_message_can_be_wrong_on_purpose() -> None:
    good = request("SEND", "t1234", TO, FROM, [("Message-ID", "1")], b"text")
    assert good.having("message-id", "2").headers[-1] == ("message-id", "2")
    assert good.having("X-New", "y").headers[-1] == ("X-New", "y")
    assert good.without("To-Path").get("To-Path") is None
    open_end = MsrpMessage("t1234", "SEND", headers=good.headers, body=b"text", ended=False)
    assert not MsrpReader().feed(open_end.to_bytes())


@pytest.mark.parametrize(
    ("text", "host", "session"),
    [
        (TO, "192.0.2.1", "abc"),
        ("MSRP://[2001:db8::1]:2855/a%20b;tcp;x=y", "2001:db8::1", "a%20b"),
        ("msrps://user@relay.example:1;tcp", "relay.example", ""),
    ],
)
def test_uris_are_read(text: str, host: str, session: str) -> None:
    uri = MsrpUri.parse(text)
    assert (uri.host, uri.session, uri.transport) == (host, session, "tcp")
    assert MsrpUri.parse(str(uri)) == uri


@pytest.mark.parametrize("text", ["", "sip:a@b", "msrp://host:99999/x;tcp", "msrp://host:1/x", "msrp://;tcp"])
def test_what_is_no_path_is_told(text: str) -> None:
    with pytest.raises(MsrpSyntaxError):
        parse_path(text)


def test_ranges_are_read() -> None:
    assert parse_range("1-25/25") == (1, 25, 25)
    assert parse_range("1-*/*") == (1, None, None)
    for text in ("1-2", "-1-2/3", "a-b/c", ""):
        with pytest.raises(MsrpSyntaxError):
            parse_range(text)
