"""Frames are refused by their headers, however the octets are cut into pieces."""

from __future__ import annotations

from itertools import pairwise

import pytest
from h2.errors import ErrorCodes
from hypothesis import given
from hypothesis import strategies as st

from imsproof.codec import http2
from imsproof.codec.http2 import PREFACE, Type
from imsproof.lab.sbi.frameguard import FrameGuard

START = PREFACE + http2.settings()


def frame(announced: int, sent: int) -> bytes:
    return announced.to_bytes(3, "big") + bytes(6) + b"\xff" * sent


def refused(data: bytes, cuts: list[int], guard: FrameGuard | None = None) -> ErrorCodes | None:
    guard = guard or FrameGuard()
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    found = [guard.refuses(data[start:end]) for start, end in pairwise(edges)]
    return next((error for error in found if error is not None), None)


@given(st.lists(st.integers(0, 16_384), max_size=4), st.lists(st.integers(0, 10**6), max_size=8))
def test_frames_of_allowed_length_fit(lengths: list[int], cuts: list[int]) -> None:
    assert refused(START + b"".join(frame(length, length) for length in lengths), cuts) is None


@given(st.lists(st.integers(0, 300), max_size=4), st.integers(16_385, 2**24 - 1), st.lists(st.integers(0, 10**6)))
def test_one_frame_too_long_is_seen_by_its_header(lengths: list[int], long: int, cuts: list[int]) -> None:
    data = START + b"".join(frame(length, length) for length in lengths) + frame(long, 0)
    assert refused(data, cuts) is ErrorCodes.FRAME_SIZE_ERROR


@pytest.mark.parametrize(
    "data",
    [PREFACE + http2.ping(), PREFACE + http2.settings(ack=True), START + http2.reset(1)],
    ids=["no SETTINGS first", "an ACK first", "RST_STREAM on an idle stream"],
)
def test_what_h2_would_let_pass_is_refused(data: bytes) -> None:
    assert refused(data, []) is ErrorCodes.PROTOCOL_ERROR


def test_a_fault_tolerates_what_it_names_and_refuses_what_it_names() -> None:
    assert refused(START + frame(20_000, 0), [], FrameGuard({"size"})) is None
    assert refused(PREFACE + http2.ping(), [], FrameGuard({"preface"})) is None
    assert refused(START + http2.frame(0xB0), [], FrameGuard((), {"unknown"})) is ErrorCodes.PROTOCOL_ERROR
    padded = http2.frame(Type.DATA, 8, 1, b"\0")
    assert refused(START + padded, [], FrameGuard((), {"padding"})) is ErrorCodes.PROTOCOL_ERROR
