"""Streams: the understood ones hold two messages, the others none that a strict framer would find in a body."""

from __future__ import annotations

from contextlib import suppress

import pytest

from imsproof.codec.sip import Message, SipSyntaxError, StreamFramer
from imsproof.codec.torture import Aim, framing

ONE, TWO = Aim(token="1" * 16), Aim(token="2" * 16)


@pytest.mark.parametrize("stream", framing.UNDERSTOOD, ids=lambda one: one.name)
def test_a_strict_framer_finds_both_messages(stream: framing.Stream) -> None:
    framer = StreamFramer()
    found = [Message.parse(data) for part in stream.parts(ONE, TWO) for data in framer.feed(part)]
    assert [message.get("Call-ID") for message in found] == [ONE.token, TWO.token]


@pytest.mark.parametrize("stream", framing.SMUGGLED, ids=lambda one: one.name)
def test_a_strict_framer_finds_no_second_message(stream: framing.Stream) -> None:
    framer = StreamFramer()
    found = []
    with suppress(SipSyntaxError):
        for part in stream.parts(ONE, TWO):
            found += framer.feed(part)
    assert all(Message.parse(data).get("Call-ID") != TWO.token for data in found)
