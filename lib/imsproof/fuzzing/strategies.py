"""Hypothesis strategies for what the lab reads, from valid through nearly valid to wild.

    from imsproof.fuzzing.strategies import nearly_valid_sip, valid_sip

Each strategy makes bytes. ``valid_*`` makes only what its RFC's grammar allows, so that a refusal of it means
something; ``nearly_valid_*`` breaks one or two places of a valid one; ``wild`` keeps to no grammar at all.
"""

from __future__ import annotations

import json

from hypothesis import strategies as st

from imsproof.codec import dcep, sctp
from imsproof.codec.sdp import Dcmap, Fingerprint, data_channel_offer
from imsproof.codec.torture.draft import Aim, Draft
from imsproof.fuzzing.anomalies import CLASSES, METHODS, Anomaly, anomalies
from imsproof.fuzzing.mutate import TOKENS

TOKEN = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-.!%*_+`'~", min_size=1, max_size=30)
HOST = st.one_of(
    st.ip_addresses(v=4).map(str),
    st.ip_addresses(v=6).map(lambda one: f"[{one}]"),
    st.from_regex(r"([a-z][a-z0-9]{1,10}\.){1,3}[a-z]{2,6}", fullmatch=True),
)
USER = st.text("abcdefghijklmnopqrstuvwxyz0123456789-_.!~*'()&=+$,;?/", min_size=1, max_size=20)
PORT = st.integers(1, 65535)
QUOTED = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp"), exclude_characters='"\\\x7f'), max_size=20
).map(lambda text: f'"{text}"')
PARAMETER = st.builds(lambda name, value: f";{name}={value}", TOKEN, TOKEN)
EXTENSION = st.builds(lambda name, value: f"X-{name}: {value}", TOKEN, QUOTED)


@st.composite
def uris(draw: st.DrawFn) -> str:
    """SIP URIs (RFC 3261 25.1)."""
    user = draw(st.one_of(st.just(""), USER.map(lambda text: f"{text}@")))
    port = draw(st.one_of(st.just(""), PORT.map(lambda number: f":{number}")))
    return f"{draw(st.sampled_from(('sip', 'sips')))}:{user}{draw(HOST)}{port}"


@st.composite
def valid_sip(draw: st.DrawFn, aim: Aim | None = None, methods: tuple[str, ...] = METHODS) -> bytes:
    """Requests that RFC 3261 allows: for ``aim``'s lab when there is one, with odd but good headers."""
    method = draw(st.sampled_from(methods))
    if aim is None:
        aim = Aim(
            registrar=f"sip:{draw(HOST)}", user=draw(uris()), callee=draw(uris()), sent_by=f"{draw(HOST)}:{draw(PORT)}"
        )
    draft = Draft(method, aim)
    place = draft.find("From")
    draft.lines[place] = f"From: {draw(QUOTED)} <{aim.user}>;tag={draw(TOKEN)}"
    draft.lines[draft.find("CSeq")] = f"CSeq: {draw(st.integers(0, 2**31 - 1))} {method}"
    draft.lines[draft.find("Max-Forwards")] = f"Max-Forwards: {draw(st.integers(1, 255))}"
    draft.lines += draw(st.lists(EXTENSION, max_size=4))
    draft.lines = draw(st.permutations(draft.lines))
    if draw(st.booleans()):
        draft.content = draw(st.binary(max_size=200))
        draft.lines.append("Content-Type: application/octet-stream")
    return draft.to_bytes()


@st.composite
def nearly_valid_sip(draw: st.DrawFn, aim: Aim | None = None, methods: tuple[str, ...] = METHODS) -> bytes:
    """Requests with one element broken, by the classes of :mod:`imsproof.fuzzing.anomalies`."""
    choices = _choices(draw(st.sampled_from(methods)))
    return draw(st.sampled_from(choices)).message(aim or Aim())


_KNOWN: dict[str, list[Anomaly]] = {}


def _choices(method: str) -> list[Anomaly]:
    if method not in _KNOWN:
        _KNOWN[method] = list(anomalies((method,)))
    return _KNOWN[method]


@st.composite
def valid_sdp(draw: st.DrawFn) -> bytes:
    """Offers of audio and data channels (RFC 8866, RFC 8841, RFC 8864)."""
    octets = draw(st.binary(min_size=32, max_size=32))
    streams = draw(st.lists(st.integers(0, 65534), min_size=1, max_size=5, unique=True))
    return data_channel_offer(
        str(draw(st.ip_addresses())),
        draw(PORT),
        fingerprints=[Fingerprint("SHA-256", octets.hex(":").upper())],
        setup=draw(st.sampled_from(("actpass", "active", "passive"))),
        tls_id=draw(st.text("abcdefABCDEF0123456789+/-_", min_size=20, max_size=60)),
        sctp_port=draw(PORT),
        max_message_size=draw(st.integers(0, 2**32 - 1)),
        dcmaps=[Dcmap(stream, {"subprotocol": draw(TOKEN)}) for stream in streams],
        audio_port=draw(PORT),
    ).to_bytes()


@st.composite
def edited(draw: st.DrawFn, source: st.SearchStrategy[bytes]) -> bytes:
    """Bytes of another strategy with up to three tokens put in, pieces taken out or repeated: nearly valid."""
    data = draw(source)
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(data)))
        gone = draw(st.integers(0, 12))
        data = data[:at] + draw(st.sampled_from(TOKENS)) + data[at + gone :]
    return data


nearly_valid_sdp = edited(valid_sdp())
"""Offers with a few places broken."""

json_bodies = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text()),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=10), inner, max_size=4)),
    max_leaves=12,
).map(lambda value: json.dumps(value).encode())
"""JSON texts (RFC 8259)."""
nearly_valid_json = edited(json_bodies)
"""JSON with a few places broken."""

dcep_messages = st.one_of(
    st.just(b"\x02"),
    st.builds(
        lambda label, protocol: dcep.Open(label.encode(), protocol.encode()).to_bytes(), st.text(max_size=40), TOKEN
    ),
)
"""DATA_CHANNEL_OPEN and its ACK (RFC 8832)."""


@st.composite
def sctp_chunks(draw: st.DrawFn) -> bytes:
    """Chunks of SCTP, one or a few, of known and unknown types, with lengths that fit."""
    chunks = draw(st.lists(st.tuples(st.integers(0, 255), st.binary(max_size=40)), min_size=1, max_size=4))
    packet = sctp.Packet(5000, 5000, 0, tuple(sctp.Chunk(kind, body) for kind, body in chunks))
    return packet.to_bytes()[12:]


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


wild = st.binary(max_size=2000)
"""Bytes without a grammar."""

ANOMALY_CLASSES = tuple(CLASSES)
