"""SCTP of data channels: only inside DTLS, only with the right tag, and never the end of the service (RFC 9260)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imsproof.actors import forge
from imsproof.codec.dcep import PPID_DCEP, PPID_STRING, Open
from imsproof.dcsteps import associated, associated_once, beside, serves, spared
from imsproof.judge import control, expect
from imsproof.purpose import purpose, purposes

if TYPE_CHECKING:
    from imsproof.actors.rawpeer import RawAssociation
    from imsproof.bench import Bench

GET = b"GET / HTTP/1.1\r\nHost: bootstrap\r\nAccept: */*\r\n\r\n"
BOOTSTRAP, NOT_NEGOTIATED, FREE_STREAM = 0, 778, 2000
UNKNOWN_PPID = 9999
LARGEST = 1 << 20
"""Most bytes of a message here: browsers announce a gigabyte, or no limit."""
MARGIN = 0.5
"""Seconds beyond a cookie's life."""
RESERVED_STREAM = 65535


@purpose("DC-SCTP-01")
def test_sctp_is_taken_only_inside_dtls(bench: Bench) -> None:
    """An SCTP INIT straight over UDP gets no answer in clear."""
    peer = bench.data_channel_peer()
    associated_once(peer)
    call = peer.open("data channel without DTLS")
    expect(call.throw("INIT without DTLS", [forge.first_init(call.sctp_ports)])).holds("no-clear-sctp")
    call.close()
    serves(peer)


@purposes(
    {
        "DC-SCTP-02": "forged-abort",
        "DC-SCTP-03": "forged-shutdown",
        "DC-SCTP-04": "init-again",
        "DC-SCTP-05": "unknown-chunk",
    }
)
def test_what_is_to_be_discarded_leaves_the_association_alone(bench: Bench, case: str) -> None:
    """Packets that RFC 9260 has receivers discard, or skip, do not end the association."""
    peer = bench.data_channel_peer()
    call, association = associated(peer)
    association.inject(case)
    expect(association.heartbeat(f"heartbeat after {forge.PACKETS[case][0]}")).holds("heartbeat-answered")
    call.close()
    serves(peer)


@purposes(
    {
        "DC-SCTP-06": "zero-length-chunk",
        "DC-SCTP-07": "overlong-chunk",
        "DC-SCTP-08": "forward-tsn",
        "DC-SCTP-09": "re-config-malformed",
        "DC-SCTP-10": "sack-ahead",
        "DC-SCTP-11": "dcep-malformed",
        "DC-SCTP-12": "data-huge",
        "DC-SCTP-27": "dcep-hostile",
        "DC-SCTP-40": "unknown-ppid",
    }
)
def test_a_hostile_peer_ends_nobody_elses_association(bench: Bench, case: str) -> None:
    """What a hostile peer sends may end its own association, and no other; new ones come up as before."""
    other, hostile = bench.data_channel_peer(), bench.data_channel_peer()
    others_call, others = associated(other, "somebody else's data channel")
    call, association = associated(hostile, "the hostile peer's data channel")
    beside(others)
    association.inject(case)
    association.heartbeat("heartbeat of the hostile peer afterwards", needed=False)
    call.close()
    spared(other, others_call, others, forge.PACKETS[case][0])


@purpose("DC-SCTP-26")
def test_a_message_over_the_announced_size_ends_nobody_elses_association(bench: Bench) -> None:
    """A message over the lab's a=max-message-size, or of a megabyte, ends no other association, nor the service."""
    other, hostile = bench.data_channel_peer(), bench.data_channel_peer()
    others_call, others = associated(other, "somebody else's data channel")
    call, association = associated(hostile, "the hostile peer's data channel")
    beside(others)
    announced = call.need_peer().max_message_size or 0
    size = min(announced or LARGEST, LARGEST)
    label = f"a message of more than {size} bytes, of {announced or 'any'} announced"
    association.send_inside(label, forge.oversized(association.sctp, size))
    association.heartbeat("heartbeat of the hostile peer afterwards", needed=False)
    call.close()
    spared(other, others_call, others, label)


@purposes(
    {
        "DC-SCTP-13": ("with a wrong checksum", {"checksum": 0xDEADBEEF}),
        "DC-SCTP-14": ("under a wrong verification tag", {"tag": 0x01020304}),
        "DC-SCTP-15": ("to another SCTP port", {"target_port": 4999}),
    }
)
def test_packets_of_no_association_are_discarded(bench: Bench, case: tuple[str, dict[str, int]]) -> None:
    """A HEARTBEAT that is not of this association is not acknowledged, and the association lives on."""
    name, wrong = case
    peer = bench.data_channel_peer()
    call, association = associated(peer)
    expect(association.odd_heartbeat(f"heartbeat {name}", **wrong)).holds("heartbeat-not-answered")
    expect(association.heartbeat(f"heartbeat after one {name}")).holds("heartbeat-answered")
    call.close()
    serves(peer)


@purpose("DC-SCTP-16")
def test_a_tampered_cookie_makes_no_association(bench: Bench) -> None:
    """A COOKIE ECHO whose cookie was changed in one bit is not acknowledged."""
    peer = bench.data_channel_peer()
    associated_once(peer)
    call = peer.open("data channel for a tampered cookie")
    association = call.raw("association that stops before its cookie", passive=True, hold_cookie=True)
    cookie = association.cookie()
    tampered = association.echo_cookie("tampered cookie", bytes((*cookie[:-1], cookie[-1] ^ 1)))
    expect(tampered).holds("no-chunk", chunks=["COOKIE_ACK"])
    call.close()
    serves(peer)


@purpose("DC-SCTP-23")
def test_the_cookie_of_another_association_makes_none(bench: Bench) -> None:
    """A cookie that another association was given is not acknowledged under this one's verification tag."""
    here, there = bench.data_channel_peer(), bench.data_channel_peer()
    associated_once(here)
    call, others_call = here.open("data channel for a foreign cookie"), there.open("somebody else's data channel")
    others = others_call.raw("association that gives its cookie away", passive=True, hold_cookie=True)
    association = call.raw("association that uses a foreign cookie", passive=True, hold_cookie=True)
    association.cookie()
    expect(association.echo_cookie("foreign cookie", others.cookie())).holds("no-chunk", chunks=["COOKIE_ACK"])
    others_call.close()
    call.close()
    serves(here)


@purpose("DC-SCTP-24")
def test_a_stale_cookie_makes_no_association(bench: Bench) -> None:
    """A cookie that is echoed at once is acknowledged; one that is older than its life is not."""
    peer = bench.data_channel_peer()
    call = peer.open("data channel for a fresh cookie")
    association = call.raw("association that holds its cookie for a moment", passive=True, hold_cookie=True)
    control(association.echo_cookie("fresh cookie", association.cookie())).holds("chunk-came", chunks=["COOKIE_ACK"])
    call.close()
    call = peer.open("data channel for a stale cookie")
    association = call.raw("association that holds its cookie for long", passive=True, hold_cookie=True)
    stale = association.echo_cookie("stale cookie", association.cookie(), after=bench.cookie_seconds() + MARGIN)
    expect(stale).holds("no-chunk", chunks=["COOKIE_ACK"])
    call.close()
    serves(peer)


@purposes({"DC-SCTP-17": ("INIT with the tag 0", True), "DC-SCTP-18": ("INIT bundled with COOKIE ECHO", False)})
def test_an_init_that_is_not_right_is_discarded(bench: Bench, case: tuple[str, bool]) -> None:
    """An INIT whose initiate tag is zero, or that is bundled with another chunk, gets no INIT ACK."""
    name, without_tag = case
    peer = bench.data_channel_peer()
    associated_once(peer)
    call = peer.open(f"data channel for an {name}")
    association = call.raw("DTLS without association", passive=True, no_init=True)
    packet = association.hostile_init(without_tag=without_tag)
    expect(association.send_inside(name, [packet], wait=True)).holds("no-chunk", chunks=["INIT_ACK"])
    call.close()
    serves(peer)


@purposes(
    {
        "DC-SCTP-19": ("on a stream that was not negotiated", NOT_NEGOTIATED, PPID_STRING),
        "DC-SCTP-20": ("with an unknown payload protocol", BOOTSTRAP, UNKNOWN_PPID),
    }
)
def test_requests_are_taken_only_where_they_were_agreed(bench: Bench, case: tuple[str, int, int]) -> None:
    """The bootstrap channel's HTTP is served on its stream and under its payload protocol identifier only."""
    name, stream, ppid = case
    peer = bench.data_channel_peer()
    call, association = associated(peer)
    control(association.message("GET on the bootstrap channel", BOOTSTRAP, PPID_STRING, GET)).holds("message-answered")
    stream = association.sctp.taken_stream(stream)
    expect(association.message(f"GET {name}", stream, ppid, GET, injected=True)).holds("message-not-answered")
    call.close()
    serves(peer)


@purpose("DC-SCTP-21")
def test_a_channel_is_not_opened_on_a_stream_that_is_in_use(bench: Bench) -> None:
    """A second DATA_CHANNEL_OPEN on the bootstrap channel's stream, or on one that was just opened, is not taken."""
    peer = bench.data_channel_peer()
    call, association = associated(peer)
    stream = BOOTSTRAP
    if not bench.serves_bootstrap():
        stream = association.sctp.taken_stream(own_stream(call.is_client))
        first = association.message(f"OPEN of {stream}", stream, PPID_DCEP, Open(b"first").to_bytes())
        control(first).holds("message-answered")
    not_opened(association, "a stream that is in use", stream)
    call.close()
    serves(peer)


@purpose("DC-SCTP-22")
def test_a_channel_is_not_opened_on_a_stream_of_the_other_sides_parity(bench: Bench) -> None:
    """A DATA_CHANNEL_OPEN on a stream that only the other side may open is not acknowledged."""
    peer = bench.data_channel_peer()
    call, association = associated(peer)
    stream = association.sctp.taken_stream(own_stream(not call.is_client))
    not_opened(association, "a stream of the other side's parity", stream)
    call.close()
    serves(peer)


def own_stream(client: bool) -> int:
    """A stream that a DTLS client, or else a server, may open (RFC 8832 section 6)."""
    return FREE_STREAM if client else FREE_STREAM + 1


def not_opened(association: RawAssociation, name: str, stream: int) -> None:
    """Claim that a DATA_CHANNEL_OPEN on a stream is not acknowledged."""
    attempt = association.message(f"OPEN of {name}", stream, PPID_DCEP, Open(b"hostile").to_bytes(), injected=True)
    expect(attempt).holds("channel-not-opened")


@purpose("DC-SCTP-25")
def test_the_reserved_stream_is_not_opened(bench: Bench) -> None:
    """A DATA_CHANNEL_OPEN on stream 65535, of the right parity for a DTLS server, is not acknowledged."""
    peer = bench.data_channel_peer()
    call, association = associated(peer, "data channel, the lab as client", setup="passive")
    not_opened(association, str(RESERVED_STREAM), RESERVED_STREAM)
    call.close()
    serves(peer)
