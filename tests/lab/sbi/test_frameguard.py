"""Frame lengths are followed however the octets are cut into pieces."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from imsproof.lab.sbi.frameguard import FrameGuard

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


def frame(announced: int, sent: int) -> bytes:
    return announced.to_bytes(3, "big") + bytes(6) + b"\xff" * sent


def fits(data: bytes, cuts: list[int]) -> bool:
    guard = FrameGuard()
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return all(guard.fits(data[start:end]) for start, end in pairwise(edges))


@given(st.lists(st.integers(0, 16_384), max_size=4), st.lists(st.integers(0, 10**6), max_size=8))
def test_frames_of_allowed_length_fit(lengths: list[int], cuts: list[int]) -> None:
    assert fits(PREFACE + b"".join(frame(length, length) for length in lengths), cuts)


@given(st.lists(st.integers(0, 300), max_size=4), st.integers(16_385, 2**24 - 1), st.lists(st.integers(0, 10**6)))
def test_one_frame_too_long_is_seen_by_its_header(lengths: list[int], long: int, cuts: list[int]) -> None:
    assert not fits(PREFACE + b"".join(frame(length, length) for length in lengths) + frame(long, 0), cuts)
