"""Rows of the ladder: labels that engineers read, repeats collapsed, never too many."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.evidence import samples

from imsproof.evidence.rows import BESIDE, GAP, IN, OUT, first_line, oauth_error, rows
from imsproof.seams import Event, Kind

VALUE = st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.lists(st.integers(), max_size=2)
NAMES = ["sip", "status", "method", "path", "reset", "goaway", "ppid", "stream", "by", "statuses", "seconds", "text"]
NAMES += ["alert", "level", "version", "cipher", "group", "alpn", "srtp", "peer_subject", "protected", "pt", "cseq"]
NAMES += ["reason", "injected", "sent", "received"]
EVENT = st.builds(
    Event,
    seq=st.integers(1, 10**6),
    utc=st.just("2025-10-09T08:53:20.000000Z"),
    mono_ns=st.integers(0, 2**62),
    actor=st.text(max_size=5),
    kind=st.sampled_from(Kind),
    exchange=st.just("1:X"),
    transport=st.sampled_from(["udp", "tcp", "tls", "dtls", "h2", "sctp", "rtp", "", "odd"]),
    local=st.none() | st.just(samples.UE),
    remote=st.none() | st.tuples(st.text(max_size=5), st.integers()),
    data=st.binary(max_size=30),
    facts=st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=3), VALUE, max_size=5),
)


@given(st.lists(EVENT, max_size=12))
def test_any_event_has_a_row(events: list[Event]) -> None:
    """No facts, whatever their types, make the ladder fail; each event stands in one row."""
    found = rows(events)
    assert sum(1 + row.more for row in found) == len(events)


@pytest.mark.parametrize(
    ("kind", "transport", "data", "facts", "label", "shape"),
    [
        (Kind.SENT, "udp", samples.REGISTER, {"sip": "request"}, "REGISTER sip:ims.example", OUT),
        (Kind.RECEIVED, "udp", samples.UNAUTHORIZED, {"sip": "response"}, "401 Unauthorized", IN),
        (Kind.RECEIVED, "udp", b"", {"sip": "response", "status": 404}, "404", IN),
        (Kind.SENT, "h2", b"{}", {"method": "POST", "path": "/x"}, "POST /x", OUT),
        (Kind.RECEIVED, "h2", b'{"error": "invalid_token"}', {"status": 401}, "HTTP 401 · invalid_token", IN),
        (Kind.RECEIVED, "h2", b"", {"reset": 7, "goaway": None}, "RST_STREAM 7", IN),
        (Kind.ALERT, "tls", b"", {"alert": "protocol_version"}, "alert protocol_version", IN),
        (Kind.ALERT_SENT, "tls", b"", {"alert": "close_notify"}, "alert close_notify", OUT),
        (Kind.SENT, "dtls", b"", {"text": "handshake as client"}, "handshake as client", OUT),
        (Kind.OPENED, "tcp", b"", {}, "tcp opened from 127.0.0.1:5060", OUT),
        (Kind.REFUSED, "tls", b"", {"reason": "RST"}, "refused: RST", IN),
        (Kind.TIMEOUT, "udp", b"", {}, "no answer: the timer ran out", BESIDE),
        (Kind.CLOSED, "tcp", b"", {"by": "lab"}, "tcp closed by lab", IN),
        (Kind.HANDSHAKE, "dtls", b"", {"version": "DTLSv1.2"}, "handshake DTLSv1.2", OUT),
        (Kind.HANDSHAKE, "sctp", b"", {}, "SCTP association up", OUT),
        (Kind.RECEIVED, "sctp", b"OK\r\n", {"stream": 0, "ppid": 53}, "stream 0 · binary · OK", IN),
        (Kind.RECEIVED, "sctp", b"x", {"chunk": "HEARTBEAT_ACK", "info": "aa"}, "HEARTBEAT ACK", IN),
        (Kind.SENT, "sctp", b"x", {"info": "aa"}, "HEARTBEAT", OUT),
        (Kind.SENT, "sctp", b"x", {"chunks": ["INIT", "COOKIE_ECHO"]}, "INIT COOKIE ECHO", OUT),
        (Kind.SENT, "udp", b"x", {"stun": "request", "nominates": True}, "STUN request · nominates", OUT),
        (Kind.SENT, "rtp", b"\x80", {"protected": "srtp", "pt": 8}, "SRTP, payload type 8", OUT),
        (Kind.SENT, "udp", b"\x00\x01", {}, "2 bytes", OUT),
        (Kind.COUNTED, "udp", b"", {"sent": 5, "seconds": 1.0}, "burst: 5 sent, in 1.00 s", BESIDE),
        (Kind.NOTE, "", b"", {"text": "so"}, "so", BESIDE),
    ],
)  # fmt: skip
def test_labels(kind: Kind, transport: str, data: bytes, facts: dict[str, Any], label: str, shape: str) -> None:
    """What an engineer says of the event is what the ladder says."""
    row = rows([samples.event(1, kind, data, transport, **facts)])[0]
    assert (row.label, row.shape) == (label, shape)


def test_repeats_in_both_directions_become_two_rows() -> None:
    """A hundred RTP packets are two rows that count them."""
    kinds = [Kind.SENT, Kind.RECEIVED] * 50
    found = rows([samples.event(n, kind, b"x", "rtp", protected="srtp", pt=0) for n, kind in enumerate(kinds, 1)])
    assert [(row.shape, row.more) for row in found] == [(OUT, 49), (IN, 49)]


def test_too_many_rows_leave_a_gap_and_keep_what_counts() -> None:
    """Of 500 different rows 120 stay, among them the injected one and the judged one, and the gaps say how many."""
    events = [samples.event(n, Kind.SENT, f"M{n} x".encode(), injected=n == 400) for n in range(1, 501)]
    found = rows(events, keep={450})
    kept = [row for row in found if row.shape != GAP]
    assert len(kept) == 120
    assert {400, 450} <= {row.events[0] for row in kept}
    assert sum(int(row.label.split()[1]) for row in found if row.shape == GAP) == 380


def test_an_injected_message_does_not_collapse_into_a_plain_one() -> None:
    """The mark is never lost in a repeat."""
    events = [samples.event(n, Kind.SENT, samples.REGISTER, sip="request", injected=n == 2) for n in (1, 2, 3)]
    assert [row.tone for row in rows(events)] == ["plain", "injected", "plain"]


def test_first_line_and_oauth_error_read_only_what_is_text() -> None:
    """Binary has no first line; an error is found in JSON."""
    assert first_line(b"\x16\x03\x01") == ""
    assert oauth_error(b'{"cause":"INVALID_MSG_FORMAT"}') == "INVALID_MSG_FORMAT"
    assert oauth_error(b"\xff") == ""
