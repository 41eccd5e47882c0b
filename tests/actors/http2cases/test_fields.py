"""Malformed requests differ from the right one in their fields only."""

from __future__ import annotations

import hpack

from imsproof.actors.http2cases.fields import INJECTION, PSEUDO, SMUGGLING
from imsproof.actors.http2script import Script
from imsproof.codec.http2 import FrameReader, Type

FIELDS = (
    (b":method", b"POST"),
    (b":scheme", b"https"),
    (b":path", b"/x"),
    (b":authority", b"mf"),
    (b"content-type", b"application/json"),
)


def test_each_case_has_other_fields_than_the_request_or_another_body() -> None:
    script = Script(FIELDS, b"{}")
    right = script.request()
    for case in (*PSEUDO, *INJECTION, *SMUGGLING):
        sent = b"".join(step for step in case.send(script) if isinstance(step, bytes))
        assert sent != right, case.name
        assert FrameReader().feed(sent)[0].type == Type.HEADERS


def test_control_characters_go_into_a_field_that_is_needed() -> None:
    for case in (one for one in INJECTION if one.field):
        sent = b"".join(step for step in case.send(Script(FIELDS, b"{}")) if isinstance(step, bytes))
        decoded = dict(hpack.Decoder().decode(FrameReader().feed(sent)[0].payload, raw=True))
        assert bytes(decoded[b"content-type"]).startswith(b"application/json; x=1")
