"""Strategies for data channels and media: DCEP, SCTP, DTLS, RTP, MSRP, STUN."""

from __future__ import annotations

from hypothesis import strategies as st

from imsproof.codec import dcep, dtls, sctp, stun
from imsproof.codec.tlshello import ClientHello, usual_extensions
from imsproof.fuzzing.strategies.common import edited
from imsproof.fuzzing.strategies.sip import HOST, PORT, TOKEN

dcep_messages = st.one_of(
    st.just(b"\x02"),
    st.builds(
        lambda label, protocol: dcep.Open(label.encode(), protocol.encode()).to_bytes(), st.text(max_size=40), TOKEN
    ),
)
"""DATA_CHANNEL_OPEN and its ACK (RFC 8832)."""


def _data(tsn: int, stream: int, sequence: int, ppid: int, data: bytes) -> sctp.Chunk:
    head = tsn.to_bytes(4, "big") + stream.to_bytes(2, "big") + sequence.to_bytes(2, "big") + ppid.to_bytes(4, "big")
    return sctp.Chunk(0, head + data, 3)


_BITS32, _BITS16 = st.integers(0, 2**32 - 1), st.integers(0, 2**16 - 1)
_WELL_FORMED = st.one_of(
    st.builds(_data, _BITS32, _BITS16, _BITS16, st.sampled_from((50, 51, 53)), st.binary(min_size=1, max_size=60)),
    st.binary(max_size=40).map(lambda info: sctp.Chunk(4, b"\0\1" + (len(info) + 4).to_bytes(2, "big") + info)),
    st.tuples(_BITS32, _BITS32).map(
        lambda pair: sctp.Chunk(3, pair[0].to_bytes(4, "big") + pair[1].to_bytes(4, "big") + bytes(4))
    ),
    st.builds(sctp.Chunk, st.integers(0xC2, 0xFE), st.binary(max_size=40)),
)
"""DATA, HEARTBEAT, SACK, and types that a receiver skips (RFC 9260 3.2: the highest two bits are set)."""


@st.composite
def sctp_chunks(draw: st.DrawFn, some: st.SearchStrategy[sctp.Chunk] = _WELL_FORMED) -> bytes:
    """Chunks of SCTP, one or a few, each well formed (RFC 9260 3.3)."""
    packet = sctp.Packet(5000, 5000, 0, tuple(draw(st.lists(some, min_size=1, max_size=4))))
    return packet.to_bytes()[12:]


any_chunks = sctp_chunks(st.builds(sctp.Chunk, st.integers(0, 255), st.binary(max_size=40)))
"""Chunks of any type whose lengths fit and whose bodies are anything."""


@st.composite
def dtls_records(draw: st.DrawFn) -> bytes:
    """Records of DTLS 1.2 with any content (RFC 6347 4.1)."""
    body = draw(st.binary(max_size=200))
    head = bytes((draw(st.sampled_from((20, 21, 22, 23, 24, 25))),)) + draw(st.sampled_from((b"\xfe\xfd", b"\xfe\xff")))
    return head + draw(st.integers(0, 2**64 - 1)).to_bytes(8, "big") + len(body).to_bytes(2, "big") + body


@st.composite
def rtp_packets(draw: st.DrawFn) -> bytes:
    """RTP packets of version 2 (RFC 3550 5.1)."""
    head = bytes((0x80, draw(st.integers(0, 127)))) + draw(st.integers(0, 65535)).to_bytes(2, "big")
    return head + draw(st.binary(min_size=8, max_size=8)) + draw(st.binary(max_size=200))


@st.composite
def msrp_messages(draw: st.DrawFn) -> bytes:
    """MSRP SEND requests (RFC 4975 7)."""
    name = draw(st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=4, max_size=12))
    paths = [f"msrp://{draw(HOST)}:{draw(PORT)}/{name};tcp" for _ in range(2)]
    body = draw(st.text("abc \u00e9", max_size=40))
    rows = [f"MSRP {name} SEND", f"To-Path: {paths[0]}", f"From-Path: {paths[1]}", f"Message-ID: {name}"]
    size = len(body.encode())
    rows += [f"Byte-Range: 1-{size}/{size}", "Content-Type: text/plain", "", body, f"-------{name}$", ""]
    return "\r\n".join(rows).encode()


SUITES = (0xC02B, 0xC02C, 0xC02F, 0xC030, 0xCCA9, 0xCCA8, 0xC009, 0xC013)
"""Suites that peers of WebRTC offer (names in :mod:`imsproof.codec.tlssuites`)."""


@st.composite
def dtls_hellos(draw: st.DrawFn) -> bytes:
    """First flights of a DTLS 1.2 client: a ClientHello in one record, or in a few fragments (RFC 6347 4.2)."""
    hello = ClientHello(
        version=0xFEFD,
        random=draw(st.binary(min_size=32, max_size=32)),
        session_id=draw(st.sampled_from((b"", bytes(32)))),
        cookie=draw(st.sampled_from((b"", bytes(20)))),
        suites=tuple(draw(st.lists(st.sampled_from(SUITES), min_size=1, unique=True))),
        extensions=usual_extensions(srtp=draw(st.booleans())),
    )
    message = dtls.Handshake(1, hello.to_bytes(), message_seq=draw(st.integers(0, 1)))
    parts = dtls.fragment_handshake(message, draw(st.sampled_from((2000, 100, 60))))
    return b"".join(part.record(sequence=number).to_bytes() for number, part in enumerate(parts))


@st.composite
def stun_messages(draw: st.DrawFn) -> bytes:
    """STUN requests and indications with attributes of known and unknown types (RFC 8489 5 and 14)."""
    kind = draw(st.sampled_from((0x0001, 0x0011, 0x0003, 0x0004, 0x0006, 0x0008, 0x0009)))
    some = st.builds(stun.Attribute, st.integers(0, 0xFFFF), st.binary(max_size=60))
    return stun.Message(
        kind, draw(st.binary(min_size=12, max_size=12)), tuple(draw(st.lists(some, max_size=4)))
    ).to_bytes()


nearly_dtls = st.one_of(dtls_records(), edited(dtls_hellos()))
nearly_stun = edited(stun_messages())
nearly_msrp = edited(msrp_messages())
nearly_rtp = edited(rtp_packets())
nearly_chunks = st.one_of(any_chunks, edited(sctp_chunks()))
nearly_dcep = edited(dcep_messages)
