"""``imsproof audit``: exit codes, files, and mistakes of the user."""

from __future__ import annotations

import json
from pathlib import Path

from tests.audit import wire
from typer.testing import CliRunner

from imsproof.cli import app

PCAPS = Path(__file__).resolve().parents[2] / "pcaps"


def audited(*arguments: object) -> tuple[int, str]:
    """Run the command."""
    done = CliRunner().invoke(app, ["audit", *map(str, arguments)])
    return done.exit_code, done.output


def test_exit_codes_say_what_was_seen(tmp_path: Path) -> None:
    (tmp_path / "nothing.pcap").write_bytes(wire.pcap([b""]))
    (tmp_path / "none.pcap").write_text("no capture")
    assert audited(PCAPS / "keys-told.pcapng")[0] == 1
    assert audited(PCAPS / "registration.pcapng")[0] == 0
    assert audited(tmp_path / "nothing.pcap")[0] == 3
    for name in ("none.pcap", "missing.pcap"):
        assert audited(tmp_path / name)[0] == 2


def test_every_form_lands_in_a_folder(tmp_path: Path) -> None:
    code, _ = audited(PCAPS / "keys-told.pcapng", "--out", tmp_path / "out", "--format", "markdown")
    assert code == 1
    assert {one.name for one in (tmp_path / "out").iterdir()} == {
        "audit.json",
        "audit.html",
        "audit.md",
        "junit.xml",
        "journal.jsonl",
    }
    told = json.loads((tmp_path / "out" / "audit.json").read_text())
    assert (told["verdict"], told["counts"]["fail"]) == ("fail", 1)


def test_only_what_is_within_counts() -> None:
    code, text = audited(PCAPS / "keys-told.pcapng", "--within", "192.0.2.0/24")
    assert code == 3
    assert "out of scope" in text


def test_mistakes_of_the_user_are_told(tmp_path: Path) -> None:
    capture = PCAPS / "registration.pcapng"
    assert audited(capture, "--within", "nonsense")[0] == 2
    assert audited(capture, "--keys", tmp_path / "none")[0] == 2
