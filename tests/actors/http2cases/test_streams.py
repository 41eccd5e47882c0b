"""Stream states: what needs an ended stream waits for it, and the limit is passed by one."""

from __future__ import annotations

from imsproof.actors.http2cases.streams import STATES
from imsproof.actors.http2script import Script
from imsproof.codec.http2 import FrameReader, Type

BY_NAME = {case.name: case for case in STATES}


def test_what_comes_after_the_end_waits_for_it() -> None:
    for name, case in BY_NAME.items():
        if name.endswith("that is done"):
            assert 1 in case.send(Script(((b":method", b"GET"),)))


def test_one_stream_more_than_allowed_is_opened() -> None:
    steps = BY_NAME["one stream more than the lab allows at once"].send(Script(((b"a", b"1"),), b"", {3: 7}))
    frames = FrameReader().feed(b"".join(step for step in steps if isinstance(step, bytes)))
    assert sum(frame.type == Type.HEADERS for frame in frames) == 8
    assert steps[-1] == -15
