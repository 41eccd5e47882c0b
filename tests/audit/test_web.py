"""Requests and answers of HTTP/2 from what both sides said, also when one cannot be read to its end."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from tests.evidence import secured

from imsproof.audit.web import drafts

WAY = (secured.CLIENT, secured.SERVER)
HEADERS = [
    (":method", "POST"),
    (":path", "/x"),
    (":scheme", "http"),
    (":authority", "a"),
    ("authorization", "Bearer t"),
]
REQUEST = secured.http2_request(HEADERS, b"body")


def clock(at: int) -> tuple[int, int]:
    """The place is the packet."""
    return at, at


def test_a_request_is_read_with_its_fields_and_body() -> None:
    (one,) = drafts(WAY, REQUEST, b"", (clock, clock), clear=True)
    assert (one.facts["method"], one.facts["path"], one.data, one.facts["clear"]) == ("POST", "/x", b"body", True)
    assert ["authorization", "Bearer t"] in one.facts["headers"]


@given(st.integers(0, len(REQUEST)), st.binary(max_size=40))
def test_what_cannot_be_read_ends_the_reading(cut: int, noise: bytes) -> None:
    assert len(drafts(WAY, REQUEST[:cut] + noise, noise, (clock, clock), clear=True)) <= 3
