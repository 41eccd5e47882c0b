"""Where captures come from, and what is said when the wire cannot be had."""

from __future__ import annotations

from pathlib import Path

from imsproof.evidence.run import RunFolder, load_run
from imsproof.profile import Profile, loads
from imsproof.reporting import WireCapture, finish_reports, start_capture


def profile(networks: str, more: str = "") -> Profile:
    text = f"name: x\nscope: {{networks: [{networks}], authorised_by: me, until: 2099-01-01}}\n{more}"
    return loads(text, source="x", base=Path())


def test_the_profile_may_ask_for_the_tap() -> None:
    capture = start_capture(profile("127.0.0.0/8", "capture: {tap: true}\n"))
    assert capture.raw is None
    assert "tap" in capture.why


def test_a_lab_that_is_not_on_loopback_needs_its_interface_named() -> None:
    assert "capture.interface" in start_capture(profile("192.0.2.0/24")).why


def test_a_capture_that_lost_packets_is_not_used(tmp_path: Path) -> None:
    raw = tmp_path / "wire.pcapng"
    raw.write_bytes(b"half a file")
    folder = RunFolder.create(tmp_path / "out", "x", seed=1, version="0")
    remarks = finish_reports(folder, WireCapture(raw, lost=3))
    assert any("3 packets" in one for one in remarks)
    assert not raw.exists()
    assert load_run(folder.path).info.capture_source == "tap"
    assert (folder.path / "bundle.zip").is_file()


def test_a_damaged_capture_is_said_and_the_reports_are_written_all_the_same(tmp_path: Path) -> None:
    raw = tmp_path / "wire.pcapng"
    raw.write_bytes(b"no capture at all")
    folder = RunFolder.create(tmp_path / "out", "x", seed=1, version="0")
    (folder.path / "evidence").mkdir()
    remarks = finish_reports(folder, WireCapture(raw))
    assert any("tap" in one for one in remarks)
    assert (folder.path / "summary.html").is_file()
