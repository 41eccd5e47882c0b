"""URIs and name-addr values."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imsproof.codec.sipaddress import NameAddr, SipSyntaxError, Uri, parse_name_addr, parse_uri, split_quoted


@pytest.mark.parametrize(
    "text",
    [
        "sip:alice@example.org",
        "sip:alice@example.org:5070;transport=tcp;lr",
        "sips:alice:secret@[2001:db8::1]:5061?Subject=x",
        "sip:example.org",
        "tel:+1-201-555-0123;phone-context=example.org",
        "urn:service:sos",
    ],
)
def test_a_uri_is_written_as_it_was_read(text: str) -> None:
    assert str(parse_uri(text)) == text


def test_parts_of_a_uri() -> None:
    uri = parse_uri("SIP:alice;day=tuesday@[2001:DB8::1]:5061;lr")
    assert (uri.scheme, uri.user, uri.host, uri.port) == ("sip", "alice;day=tuesday", "2001:db8::1", 5061)
    assert uri.params == {"lr": None}
    assert uri.aor == "sip:alice;day=tuesday@[2001:db8::1]"
    assert parse_uri("tel:+49-301").aor == "tel:+49301"


@pytest.mark.parametrize(
    "text",
    ["", "example.org", "sip:", "sip:@host", "sip:a@", "sip:a b@host", "<sip:a@b>", "sip:a@h:99999", "sip:a@h:x"],
)
def test_what_is_no_uri_is_refused(text: str) -> None:
    with pytest.raises(SipSyntaxError):
        parse_uri(text)


def test_name_addr_forms() -> None:
    assert parse_name_addr('"A, \\"B\\" <c>" <sip:a@b;lr>;tag=1;x') == NameAddr(
        'A, "B" <c>', "sip:a@b;lr", {"tag": "1", "x": None}
    )
    assert parse_name_addr("sip:a@b;tag=1") == NameAddr("", "sip:a@b", {"tag": "1"})
    assert parse_name_addr("Alice Smith <sip:a@b>").display == "Alice Smith"
    assert parse_name_addr("<sip:a@b>;TAG=x").tag == "x"


@pytest.mark.parametrize("text", ["", '"open <sip:a@b>', "<sip:a@b", '"x" sip:a@b', ";tag=1"])
def test_broken_name_addr_is_refused(text: str) -> None:
    with pytest.raises(SipSyntaxError):
        parse_name_addr(text)


@given(st.text(st.characters(blacklist_categories=["Cs"]), max_size=20), st.booleans())
def test_any_display_name_survives(display: str, tagged: bool) -> None:
    value = NameAddr(display, "sip:a@b", {"tag": "1"} if tagged else {})
    assert parse_name_addr(str(value)) == value


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused_by_name(text: str) -> None:
    for read in (parse_uri, parse_name_addr):
        try:
            assert isinstance(read(text), (Uri, NameAddr))
        except SipSyntaxError:
            continue


def test_split_stays_outside_quotes_and_brackets() -> None:
    assert split_quoted('"a,b" <sip:x,y>, c', ",") == ['"a,b" <sip:x,y>', "c"]
