"""Captures of anybody: both forms, both byte orders, gzipped, cut off, of unknown link types, or no captures."""

from __future__ import annotations

import gzip
import io
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.audit import wire

from imsproof.audit import source
from imsproof.evidence import pcapng

if TYPE_CHECKING:
    from pathlib import Path

FRAMES = [b"one packet", b"another packet"]


def _pcapng(frames: list[bytes]) -> bytes:
    file = io.BytesIO()
    pcapng.write(file, [pcapng.Packet(1, pcapng.LINK_RAW, data) for data in frames])
    return file.getvalue()


def read(path: Path, data: bytes) -> tuple[list[bytes], source.About]:
    """The packets of a capture, and what was noticed."""
    path.write_bytes(data)
    about = source.About()
    return [packet.data for _, packet in source.read(path, about)], about


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_pcap_is_read_in_both_byte_orders_and_gzipped(tmp_path: Path, order: str, pack: object) -> None:
    assert callable(pack)
    found, about = read(tmp_path / "x", pack(wire.pcap(FRAMES, order=order)))
    assert (found, about.packets, about.damage) == (FRAMES, 2, "")


def test_pcapng_brings_its_keys_along(tmp_path: Path) -> None:
    file = io.BytesIO()
    taken = [pcapng.Packet(1, pcapng.LINK_RAW, FRAMES[0]), pcapng.Packet(2, pcapng.LINK_RAW, FRAMES[1], cut=True)]
    pcapng.write(file, taken, keys=["CLIENT_RANDOM aa bb"])
    found, about = read(tmp_path / "x", file.getvalue())
    assert found == FRAMES
    assert b"CLIENT_RANDOM aa bb" in about.secrets[0]
    assert about.cut == 1


@pytest.mark.parametrize("make", [wire.pcap, _pcapng])
def test_a_file_that_is_cut_off_is_read_up_to_there(tmp_path: Path, make: object) -> None:
    assert callable(make)
    whole = make(FRAMES)
    found, about = read(tmp_path / "x", whole[:-7])
    assert found == FRAMES[:1]
    assert about.damage


def test_a_gzip_that_is_cut_off_is_read_up_to_there(tmp_path: Path) -> None:
    frames = [bytes([n % 256]) * 1400 for n in range(2000)]
    packed = gzip.compress(wire.pcap(frames), 0)
    found, about = read(tmp_path / "x", packed[: len(packed) // 2])
    assert 0 < len(found) < 2000
    assert about.damage


def test_packets_of_unknown_link_types_are_counted(tmp_path: Path) -> None:
    found, about = read(tmp_path / "x", wire.pcap(FRAMES, link=147))
    assert (found, about.unknown) == ([], {147: 2})


def test_what_is_no_capture_says_so(tmp_path: Path) -> None:
    for data in (b"", b"no capture", b"{}"):
        with pytest.raises(source.CaptureError, match="pcap"):
            read(tmp_path / "x", data)
    with pytest.raises(source.CaptureError, match="cannot be read"):
        list(source.read(tmp_path / "none", source.About()))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200), st.integers(0, 60), st.sampled_from([wire.pcap(FRAMES), _pcapng(FRAMES)]))
def test_damage_never_ends_in_another_error(tmp_path: Path, noise: bytes, at: int, whole: bytes) -> None:
    damaged = whole[:at] + noise + whole[at + len(noise) :]
    try:
        read(tmp_path / "x", damaged)
    except source.CaptureError:
        return
