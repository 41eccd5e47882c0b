"""Captures: from the tap, and cut from the wire so that each purpose has all and only its packets."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.evidence import samples

from imsproof.evidence import capture, packets, pcapng
from imsproof.seams import Flow, TapPacket

if TYPE_CHECKING:
    from pathlib import Path

SECOND = 1_000_000_000
OFFSET = samples.START_NS - 5 * SECOND


def read(path: Path) -> tuple[list[pcapng.Packet], pcapng.Section]:
    """Return a capture's packets and what it says about itself."""
    about = pcapng.Section()
    with path.open("rb") as file:
        return list(pcapng.read(file, about)), about


def udp(at: float, source: tuple[str, int], target: tuple[str, int], data: bytes = b"x") -> pcapng.Packet:
    """A datagram on the wire, ``at`` seconds after the monotonic clock's zero."""
    ethernet = bytes(12) + b"\x08\x00"
    wall = OFFSET + int(at * SECOND)
    return pcapng.Packet(wall, pcapng.LINK_ETHERNET, ethernet + packets.udp(source, target, data))


def tcp(at: float, source: tuple[str, int], target: tuple[str, int], flags: int) -> pcapng.Packet:
    """A segment on the wire."""
    wall = OFFSET + int(at * SECOND)
    return pcapng.Packet(wall, pcapng.LINK_RAW, packets.tcp(source, target, 1, 1, flags))


def flow(opened: float, closed: float | None, protocol: str = "udp", **fields: Any) -> Flow:
    """A socket of the UE, its times in seconds."""
    values = {"local": samples.UE, "remote": samples.PCSCF, **fields}
    ends = None if closed is None else int(closed * SECOND)
    return Flow(protocol, values["local"], values["remote"], int(opened * SECOND), ends)


def slicer(**flows: list[Flow]) -> capture.Slicer:
    """A slicer that knows the sockets of some purposes."""
    known = capture.Slicer()
    for purpose, each in flows.items():
        known.add(purpose, each, OFFSET)
    return known


def test_the_tap_gives_a_capture_that_says_so(tmp_path: Path) -> None:
    """The section's comment names purpose, source and what was not kept; the keys are inside."""
    path = tmp_path / "capture.pcapng"
    capture.write_tap(path, "GM-AKA-02", samples.register_packets(), ["CLIENT_RANDOM aa bb"], dropped=3)
    found, about = read(path)
    assert len(found) == 2
    assert found[0].utc_ns == samples.START_NS + 1_000_000
    for part in ("GM-AKA-02", "tap", "made up", "3 packets of a burst"):
        assert part in about.comment
    assert about.secrets == [b"CLIENT_RANDOM aa bb\n"]


def test_an_empty_tap_gives_a_valid_capture(tmp_path: Path) -> None:
    """A purpose that sent nothing has a capture without packets."""
    capture.write_tap(tmp_path / "c", "X", [], [])
    assert read(tmp_path / "c")[0] == []


def test_the_same_port_belongs_to_who_had_it_open() -> None:
    """Two purposes use one port after the other; a packet between them belongs to nobody."""
    known = slicer(A=[flow(1, 2)], B=[flow(3, None)])
    owners = [known.owner(udp(at, samples.UE, samples.PCSCF)) for at in (0.5, 1.5, 2.5, 3.5)]
    assert owners == [None, "A", None, "B"]
    assert known.owner(udp(3.6, samples.PCSCF, samples.UE)) == "B"


def test_a_socket_that_is_not_connected_takes_packets_from_anybody() -> None:
    """And one that is connected only those of its peer."""
    known = slicer(A=[flow(1, None, remote=None)], B=[flow(1, None, local=("127.0.0.1", 7), remote=samples.MF)])
    assert known.owner(udp(2, ("127.9.9.9", 9), samples.UE)) == "A"
    assert known.owner(udp(2, ("127.9.9.9", 9), ("127.0.0.1", 7))) is None


def test_a_socket_on_every_address() -> None:
    """A socket bound to 0.0.0.0 is known by its port."""
    known = slicer(A=[flow(1, None, local=("0.0.0.0", 5060), remote=None)])
    assert known.owner(udp(2, ("127.9.9.9", 9), ("127.0.0.5", 5060))) == "A"


def test_the_end_of_a_tcp_connection_belongs_to_it_and_the_next_one_does_not() -> None:
    """FIN and ACK after close are kept; a SYN on the same ports ends the claim for good."""
    known = slicer(A=[flow(1, 2, "tcp")])
    fin, syn = packets.FIN | packets.ACK, packets.SYN
    times = [(1.5, packets.ACK), (2.1, fin), (2.2, syn), (2.3, packets.ACK), (9, fin)]
    assert [known.owner(tcp(at, samples.UE, samples.PCSCF, flags)) for at, flags in times] == [
        "A",
        "A",
        None,
        None,
        None,
    ]


def test_an_icmp_error_belongs_to_the_socket_that_caused_it() -> None:
    """Port unreachable comes to the purpose that sent."""
    quoted = packets.udp(samples.UE, samples.PCSCF, b"x")
    error = packets.ip(samples.PCSCF[0], samples.UE[0], packets.ICMP, b"\x03\x03\0\0\0\0\0\0" + quoted)
    known = slicer(A=[flow(1, 2)])
    assert known.owner(pcapng.Packet(OFFSET + SECOND * 3 // 2, pcapng.LINK_RAW, error)) == "A"


def test_later_fragments_follow_the_first() -> None:
    """A fragment has no ports and still finds its purpose."""
    whole = packets.udp(samples.UE, samples.PCSCF, bytes(40))
    first = whole[:4] + b"\x00\x07\x20\x00" + whole[8:]
    later = whole[:4] + b"\x00\x07\x00\x05" + whole[8:]
    known = slicer(A=[flow(1, None)])
    at = OFFSET + 2 * SECOND
    assert known.owner(pcapng.Packet(at, pcapng.LINK_RAW, later)) is None
    assert [known.owner(pcapng.Packet(at, pcapng.LINK_RAW, data)) for data in (first, later)] == ["A", "A"]


def test_esp_is_told_by_address() -> None:
    """ESP has no ports."""
    known = slicer(A=[flow(1, None, "esp", local=(samples.UE[0], 0), remote=(samples.PCSCF[0], 0))])
    data = packets.ip(samples.PCSCF[0], samples.UE[0], packets.ESP, bytes(20))
    assert known.owner(pcapng.Packet(OFFSET + 2 * SECOND, pcapng.LINK_RAW, data)) == "A"


def test_esp_is_told_by_spi_where_it_is_known() -> None:
    """Two purposes between the same addresses have their own SPIs."""
    ends = {"remote": (samples.PCSCF[0], 0)}
    known = slicer(
        A=[flow(1, None, "esp", local=(samples.UE[0], 7), **ends)],
        B=[flow(1, None, "esp", local=(samples.UE[0], 8), **ends)],
    )
    for spi, owner in ((7, "A"), (8, "B"), (9, None)):
        esp = spi.to_bytes(4, "big") + bytes(16)
        for source, target in ((samples.UE, samples.PCSCF), (samples.PCSCF, samples.UE)):
            data = packets.ip(source[0], target[0], packets.ESP, esp)
            assert known.owner(pcapng.Packet(OFFSET + 2 * SECOND, pcapng.LINK_RAW, data)) == owner


def test_the_wire_replaces_the_tap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each purpose gets its packets with its keys inside; one without packets keeps the tap's capture."""
    monkeypatch.setattr(capture, "FLUSH", 100)
    other = ("127.0.0.1", 6000)
    for purpose, flows in (("A-B-01", [flow(1, 3)]), ("A-B-02", [flow(1, 3, local=other)]), ("A-B-03", [])):
        folder = tmp_path / "evidence" / purpose
        folder.mkdir(parents=True)
        (folder / capture.FLOWS).write_text(json.dumps(capture.flows_to_json(flows, OFFSET)))
        (folder / capture.KEYS).write_text("CLIENT_RANDOM aa bb\n")
        capture.write_tap(folder / capture.CAPTURE, purpose, [], [])
    raw = tmp_path / "raw.pcapng"
    sent = [
        udp(1 + n / 100, (samples.UE, other, ("127.0.0.1", 9))[n % 3], samples.PCSCF, bytes([n])) for n in range(90)
    ]
    with raw.open("wb") as file:
        pcapng.write(file, sent)
    assert capture.slice_wire(tmp_path, raw) == {"A-B-01": 30, "A-B-02": 30}
    found, about = read(tmp_path / "evidence" / "A-B-02" / capture.CAPTURE)
    assert found == sent[1::3]
    assert "as the kernel captured them" in about.comment
    assert about.secrets == [b"CLIENT_RANDOM aa bb\n"]
    assert "tap" in read(tmp_path / "evidence" / "A-B-03" / capture.CAPTURE)[1].comment
    assert not list(tmp_path.rglob("*.part"))


@given(st.lists(st.builds(flow, st.integers(0, 9), st.none() | st.integers(0, 9)), max_size=3), st.integers(0, 2**60))
def test_flows_are_read_back_as_they_were_written(flows: list[Flow], offset: int) -> None:
    """flows.json holds the sockets, the clock's offset and the count of packets not kept."""
    value = json.loads(json.dumps(capture.flows_to_json(flows, offset, 5)))
    assert capture.flows_from_json(value) == (flows, offset, 5)


@pytest.mark.parametrize("value", [{}, {"schema": 2}, {"schema": 1, "flows": 3}, {"schema": 1, "flows": [{}]}])
def test_malformed_flows_are_a_value_error(value: dict[str, Any]) -> None:
    """What is no flows.json is refused."""
    with pytest.raises(ValueError, match=r"flows\.json"):
        capture.flows_from_json({"utc_minus_mono_ns": 0, "dropped": 0, **value})


def test_the_clock_offset_comes_from_the_events() -> None:
    """Wall time minus monotonic time; none without events."""
    events = samples.register_events()
    assert capture.utc_offset(events) == capture.wall_ns(events[0].utc) - events[0].mono_ns
    assert capture.utc_offset([]) == 0
    moment = datetime(2025, 10, 9, 8, 53, 20, 123456, tzinfo=UTC)
    assert capture.wall_ns("2025-10-09T08:53:20.123456Z") == int(moment.timestamp()) * SECOND + 123_456_000


def test_a_tap_of_both_families(tmp_path: Path) -> None:
    """IPv6 stands beside IPv4 in one capture."""
    six = TapPacket(1, "udp", ("::1", 1), ("::1", 2), b"x")
    capture.write_tap(tmp_path / "c", "X", [*samples.register_packets(), six], [])
    assert [packet.data[0] >> 4 for packet in read(tmp_path / "c")[0]] == [4, 4, 6]
