"""Strategies for what messages carry: session descriptions, JSON, and access tokens (RFC 8866, RFC 8259, RFC 7519)."""

from __future__ import annotations

import json

from hypothesis import strategies as st

from imsproof.codec import jose
from imsproof.codec.sdp import Dcmap, Fingerprint, data_channel_offer
from imsproof.fuzzing.strategies.common import edited
from imsproof.fuzzing.strategies.sip import PORT, TOKEN


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


@st.composite
def tokens(draw: st.DrawFn, key: bytes = b"not a secret") -> bytes:
    """Access tokens in compact form with the claims that TS 29.510 6.3.5.2.4 names, signed with ``key`` (HS256)."""
    header = {"alg": "HS256", "typ": "JWT", **draw(st.dictionaries(st.sampled_from(("kid", "cty")), TOKEN, max_size=1))}
    claims = {
        "iss": draw(st.uuids().map(str)),
        "sub": draw(st.uuids().map(str)),
        "aud": draw(
            st.one_of(st.sampled_from(("NRF", "MF", "SMF")), st.lists(st.uuids().map(str), min_size=1, max_size=3))
        ),
        "scope": " ".join(
            draw(st.lists(st.from_regex(r"n[a-z]{2,8}-[a-z]{2,10}", fullmatch=True), min_size=1, max_size=3))
        ),
        "exp": draw(st.integers(0, 2**31 - 1)),
    }
    return jose.encode(header, claims, jose.hmac_signer(key)).encode()


nearly_valid_tokens = edited(tokens())
"""Access tokens with a few places broken."""
