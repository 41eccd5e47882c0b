"""Via, Route and Max-Forwards."""

from __future__ import annotations

import pytest

from imsproof.codec.sip import Message, SipSyntaxError, parse_uri
from imsproof.lab.sip import hops

HERE = ("192.0.2.9", 5060)


def message(*headers: str) -> Message:
    return Message.parse(("OPTIONS sip:a@b SIP/2.0\r\n" + "".join(f"{line}\r\n" for line in headers) + "\r\n").encode())


def test_a_via_is_written_as_it_was_read() -> None:
    text = "SIP/2.0/TLS [2001:db8::1]:5061;branch=z9hG4bKx;rport"
    assert str(hops.parse_via(text)) == text
    assert hops.parse_via(text).branch == "z9hG4bKx"


@pytest.mark.parametrize("text", ["", "SIP/1.0/UDP h", "SIP/2.0/UDP", "SIP/2.0/UDP h:99999", "SIP/2.0/UDP h,x"])
def test_what_is_no_via_is_refused(text: str) -> None:
    with pytest.raises(SipSyntaxError):
        hops.parse_via(text)


def test_the_source_is_written_into_the_topmost_via_only() -> None:
    one = message("Via: SIP/2.0/UDP h;branch=1;rport, SIP/2.0/UDP i;branch=2")
    hops.note_source(one, ("192.0.2.7", 7))
    assert one.values("Via") == ["SIP/2.0/UDP h;branch=1;rport=7;received=192.0.2.7", "SIP/2.0/UDP i;branch=2"]
    same = message("Via: SIP/2.0/UDP 192.0.2.7;branch=1")
    hops.note_source(same, ("192.0.2.7", 7))
    assert same.values("Via") == ["SIP/2.0/UDP 192.0.2.7;branch=1"]
    none = message()
    hops.note_source(none, ("192.0.2.7", 7))
    assert none.headers == []


def test_own_routes_come_off_the_top_and_no_further() -> None:
    routed = message(
        "Route: <sip:x@192.0.2.9;lr>, <sip:192.0.2.9:5060;lr>", "Route: <sip:other;lr>", "Route: <sip:192.0.2.9;lr>"
    )
    assert [uri.user for uri in hops.pop_own_routes(routed, HERE)] == ["x", ""]
    assert hops.uris(routed, "Route") == ["sip:other;lr", "sip:192.0.2.9;lr"]
    assert hops.top_route(message()) is None


def test_max_forwards_is_counted_down_or_begun() -> None:
    for before, after in (("Max-Forwards: 5", "4"), ("X: y", "70"), ("Max-Forwards: x", "70")):
        counted = message(before)
        hops.count_down(counted)
        assert counted.get("Max-Forwards") == after


def test_tags_and_numbers_that_are_not_there() -> None:
    assert hops.tag_of(message("To: <sip:a>;tag=1"), "To") == "1"
    assert hops.tag_of(message('To: "'), "To") == ""
    assert hops.sequence(message("CSeq: 7 X")) == 7
    assert hops.sequence(message("CSeq: x")) == -1


def test_a_place_is_host_and_port() -> None:
    assert hops.same_place(parse_uri("sip:x@192.0.2.9"), HERE)
    assert not hops.same_place(parse_uri("sip:192.0.2.9:5070"), HERE)
