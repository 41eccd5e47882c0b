"""A planted fault has frames mended; what it does not name stays as it is."""

from __future__ import annotations

import pytest

from imsproof.codec import http2
from imsproof.codec.http2 import PREFACE, Flag, Frame, FrameReader, Type
from imsproof.lab.sbi.framemender import FrameMender

HELLO = PREFACE + http2.settings()
REQUEST = http2.frame(Type.HEADERS, Flag.END_HEADERS, 1, b"\x82")


def mended(tolerates: str, *data: bytes) -> list[Frame]:
    mender = FrameMender({tolerates})
    out = mender.mend(HELLO) + b"".join(mender.mend(piece) for piece in data)
    return FrameReader(skip=len(PREFACE)).feed(out)[1:]


def test_nothing_is_changed_that_is_not_named() -> None:
    frames = [REQUEST, http2.ping(b"6octet"), http2.window_update(1, 0), http2.frame(Type.DATA, 8, 1, b"\xff")]
    assert [http2.frame(f.type, f.flags, f.stream, f.payload) for f in mended("nothing", *frames)] == frames


@pytest.mark.parametrize(
    ("flaw", "sent", "seen"),
    [
        ("ping", http2.ping(b"6octet", stream=1), [Frame(Type.PING, 0, 0, b"6octet\0\0")]),
        ("window", http2.window_update(1, 0), []),
        ("reset", http2.reset(3), []),
        ("push", http2.frame(Type.PUSH_PROMISE, 4, 1, bytes(5)), []),
        ("padding", http2.frame(Type.DATA, 8, 1, b"\xff"), [Frame(Type.DATA, 0, 1, b"")]),
        ("settings-form", http2.frame(Type.SETTINGS, 0, 1, bytes(3)), [Frame(Type.SETTINGS, 0, 0, b"")]),
        ("headers-stream", http2.frame(Type.HEADERS, 4, 0, b"\x82"), [Frame(Type.HEADERS, 4, 1, b"\x82")]),
        ("astray", http2.frame(Type.CONTINUATION, 4, 1, b"\x82"), []),
    ],
)
def test_each_flaw_mends_its_offence(flaw: str, sent: bytes, seen: list[Frame]) -> None:
    assert mended(flaw, sent) == seen


def test_what_is_too_long_comes_in_pieces() -> None:
    frames = mended("size", http2.frame(Type.HEADERS, Flag.END_HEADERS | Flag.END_STREAM, 1, bytes(40_000)))
    assert [frame.type for frame in frames] == [Type.HEADERS, Type.CONTINUATION, Type.CONTINUATION]
    assert [frame.flags for frame in frames] == [Flag.END_STREAM, 0, Flag.END_HEADERS]
    assert sum(len(frame.payload) for frame in frames) == 40_000


def test_a_preface_that_is_another_text_is_taken_for_the_right_one() -> None:
    mender = FrameMender({"preface"})
    assert mender.mend(b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n" + http2.settings()).startswith(HELLO)
    assert FrameMender({"preface"}).mend(http2.settings() + REQUEST * 3).startswith(HELLO)
