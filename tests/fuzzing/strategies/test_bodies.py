"""Bodies: offers keep their channels, JSON is JSON, tokens verify with an independent library."""

from __future__ import annotations

import json

from hypothesis import given, settings
from joserfc import jwt
from joserfc.jwk import OctKey

from imsproof.codec.sdp import Sdp
from imsproof.fuzzing.strategies.bodies import json_bodies, nearly_valid_json, tokens, valid_sdp

few = settings(max_examples=40, deadline=None)


@few
@given(valid_sdp())
def test_valid_offers_keep_their_channels(data: bytes) -> None:
    channel = Sdp.parse(data).data_channel()
    assert channel is not None
    assert channel.dcmaps


@few
@given(json_bodies, nearly_valid_json)
def test_json_is_json(data: bytes, spoiled: bytes) -> None:
    json.loads(data)
    assert isinstance(spoiled, bytes)


@few
@given(tokens(key=b"a key of thirty-two octets length"))
def test_tokens_verify_with_an_independent_library(data: bytes) -> None:
    key = OctKey.import_key(b"a key of thirty-two octets length")
    assert set(jwt.decode(data.decode(), key, algorithms=["HS256"]).claims) == {"iss", "sub", "aud", "scope", "exp"}
