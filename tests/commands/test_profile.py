"""``profile check`` says what applies; ``profile new`` asks until the answer is a good one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from typer.testing import CliRunner

from imsproof.cli import app
from imsproof.commands.profile import split

if TYPE_CHECKING:
    from pathlib import Path

SCOPE = "scope: {networks: [127.0.0.0/8], authorised_by: me, until: 2099-01-01}\n"


def check(folder: Path, text: str, *words: str) -> tuple[int, str]:
    profile = folder / "lab.yaml"
    profile.write_text(f"name: x\n{SCOPE}timers: {{answer: 0.3, connect: 1}}\n{text}")
    done = CliRunner().invoke(app, ["profile", "check", str(profile), *words])
    return done.exit_code, done.output


def test_offline_sends_nothing(tmp_path: Path) -> None:
    code, told = check(tmp_path, "gm: {domain: d, udp: '127.0.0.1:9'}\n", "--offline")
    assert code == 0
    assert "purposes apply" in told


def test_a_profile_is_written_from_answers_and_wrong_ones_are_asked_again(tmp_path: Path) -> None:
    file = tmp_path / "lab.yaml"
    answers = ["lab", "", "not a range", "127.0.0.0/8", "me", "2099-01-01", *["no"] * 40]
    done = CliRunner().invoke(app, ["profile", "new", str(file)], input="\n".join(answers) + "\n")
    assert file.is_file(), done.output
    assert CliRunner().invoke(app, ["profile", "check", str(file), "--offline"]).exit_code == 0


def test_a_file_that_is_there_is_not_written_over(tmp_path: Path) -> None:
    file = tmp_path / "lab.yaml"
    file.write_text("mine")
    assert CliRunner().invoke(app, ["profile", "new", str(file)]).exit_code == 2
    assert file.read_text() == "mine"


def test_places_are_taken_as_people_have_them() -> None:
    places = ["192.0.2.1", "192.0.2.2:8443", "https://192.0.2.3:443/x"]
    places += ["http://[2001:db8::1]:80", "2001:db8::2", "x.example"]
    hosts = ["192.0.2.1", "192.0.2.2", "192.0.2.3", "2001:db8::1", "2001:db8::2", "x.example"]
    assert split(places) == (hosts, [8443, 443, 80])
    assert CliRunner().invoke(app, ["profile", "new", "--from", "192.0.2.1:x"]).exit_code == 2


def test_a_place_that_cannot_be_written_is_told_before_anything_is_asked(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["profile", "new", str(tmp_path / "nowhere" / "lab.yaml")])
    assert done.exit_code == 2
    assert "cannot be written" in done.output
    assert "?" not in done.output
