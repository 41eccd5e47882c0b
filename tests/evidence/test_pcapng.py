"""pcapng: what is written is read back by us and by tshark; hostile files are refused by byte."""

from __future__ import annotations

import contextlib
import io
import shutil
import struct
import subprocess
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imsproof.evidence import pcapng

if TYPE_CHECKING:
    from pathlib import Path

PACKETS = st.lists(
    st.builds(
        pcapng.Packet,
        st.integers(0, 2**63),
        st.sampled_from([pcapng.LINK_RAW, pcapng.LINK_ETHERNET]),
        st.binary(max_size=70),
        st.text(max_size=20).filter(lambda text: "\x00" not in text),
    ),
    max_size=6,
)


def dump(packets: list[pcapng.Packet], comment: str = "", keys: tuple[str, ...] = ()) -> bytes:
    """Return a capture's bytes."""
    file = io.BytesIO()
    pcapng.write(file, packets, comment=comment, keys=keys)
    return file.getvalue()


@given(PACKETS, st.text(max_size=50), st.lists(st.text("ABC 0123", min_size=1), max_size=3))
def test_a_capture_is_read_back_as_it_was_written(packets: list[pcapng.Packet], comment: str, keys: list[str]) -> None:
    """Packets, comments and keys survive."""
    about = pcapng.Section()
    assert list(pcapng.read(io.BytesIO(dump(packets, comment, tuple(keys))), about)) == packets
    assert about.comment == comment
    assert b"".join(about.secrets).decode() == "".join(f"{key}\n" for key in keys)


@given(st.binary(max_size=200))
def test_garbage_is_a_value_error(data: bytes) -> None:
    """No bytes make the reader fail in another way."""
    with pytest.raises(ValueError, match="byte 0"):
        list(pcapng.read(io.BytesIO(data)))


WHOLE = dump([pcapng.Packet(1, 101, b"abcde", "note"), pcapng.Packet(2, 101, b"f")], "c", ("KEY",))


@given(st.integers(0, len(WHOLE) - 1), st.binary(min_size=1, max_size=4))
def test_a_damaged_capture_never_makes_the_reader_fail_in_another_way(at: int, wrong: bytes) -> None:
    """Bytes overwritten anywhere: packets or a ValueError."""
    damaged = WHOLE[:at] + wrong + WHOLE[at + len(wrong) :]
    with contextlib.suppress(ValueError):
        list(pcapng.read(io.BytesIO(damaged)))


def test_a_capture_that_is_cut_off_is_refused() -> None:
    """Every cut inside a block is noticed."""
    ends = set()
    for cut in range(1, len(WHOLE)):
        try:
            list(pcapng.read(io.BytesIO(WHOLE[:cut])))
            ends.add(cut)
        except ValueError:
            pass
    assert len(ends) == 4  # after the section, the secrets, the interface and the first packet


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("resolution", "ticks"), [(6, 1_500_000), (9, 1_500_000_000), (0x8A, 1536), (None, 1_500_000)])
def test_both_byte_orders_and_all_resolutions(order: str, resolution: int | None, ticks: int) -> None:
    """A capture of another machine gives the same times."""

    def block(kind: int, body: bytes) -> bytes:
        size = struct.pack(order + "I", len(body) + 12)
        return struct.pack(order + "I", kind) + size + body + size

    options = b"" if resolution is None else struct.pack(order + "HHB3xHH", 9, 1, resolution, 0, 0)
    data = block(pcapng.SECTION, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1))
    data += block(pcapng.INTERFACE, struct.pack(order + "HHI", 1, 0, 0) + options)
    data += block(0x0BAD, b"unknown.")
    data += block(pcapng.ENHANCED, struct.pack(order + "IIIII", 0, 0, ticks, 3, 3) + b"abc\0")
    assert list(pcapng.read(io.BytesIO(data))) == [pcapng.Packet(1_500_000_000, 1, b"abc")]


def test_a_long_capture_is_read_without_holding_it() -> None:
    """The reader yields as it goes: the first packet comes although the end is damaged."""
    reader = pcapng.read(io.BytesIO(WHOLE[:-3]))
    assert next(reader).data == b"abcde"


def test_five_hundred_thousand_packets_are_no_burden() -> None:
    """A bound far above what is measured (about a second), so that only a change of kind breaks it."""
    head = dump([pcapng.Packet(1, 101, b"x" * 100)])
    block = pcapng.enhanced(pcapng.Packet(1, 101, b"x" * 100))
    began = time.process_time()
    count = sum(1 for _ in pcapng.read(io.BytesIO(head + block * 100_000)))
    assert count == 100_001
    assert time.process_time() - began < 10


@pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")
def test_tshark_reads_it(tmp_path: Path) -> None:
    """Times to the nanosecond, both link types and the comments are what tshark shows."""
    path = tmp_path / "x.pcapng"
    packets = [
        pcapng.Packet(1_760_000_000_123_456_789, 101, b"\x45" + bytes(19), "first"),
        pcapng.Packet(2, 1, bytes(14)),
    ]
    path.write_bytes(dump(packets, "section says", ("CLIENT_RANDOM 00 00",)))
    fields = ["-T", "fields", "-e", "frame.time_epoch", "-e", "frame.comment"]
    shown = subprocess.run(["tshark", "-r", path, *fields], capture_output=True, text=True, check=True).stdout
    assert shown.splitlines()[0].split("\t") == ["1760000000.123456789", "first"]
    assert len(shown.splitlines()) == 2
