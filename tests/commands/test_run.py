"""Mistakes in how a run is asked for are told at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from typer.testing import CliRunner

from imsproof.cli import app

if TYPE_CHECKING:
    from pathlib import Path


def run(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, list(words))
    return done.exit_code, done.output


def test_faults_are_for_the_embedded_lab_only(tmp_path: Path) -> None:
    code, told = run("run", str(tmp_path / "lab.yaml"), "--fault", "tls.no_tls12")
    assert code == 2
    assert "--fault" in told


def test_a_fault_that_is_not_there_stops_the_run_before_it_begins() -> None:
    assert run("run", "--fault", "no.such", "-p", "SBI-TLS-01")[0] in {2, 4}


def test_where_nothing_applies_the_reason_is_told(tmp_path: Path) -> None:
    (tmp_path / "lab.yaml").write_text(
        "name: x\nscope: {networks: [127.0.0.0/8], authorised_by: me, until: 2099-01-01}\n"
    )
    code, told = run("run", str(tmp_path / "lab.yaml"), "-p", "SBI-TOKEN-01", "--out", str(tmp_path / "out"))
    assert code == 3
    assert "no purpose applied" in told
    assert "sbi" in told.rpartition("no purpose applied")[2].splitlines()[1]


def test_a_family_in_the_place_of_a_purpose_is_told_the_option(tmp_path: Path) -> None:
    code, told = run("run", "-p", "SBI-TLS", "--out", str(tmp_path))
    assert code == 2
    assert "--family SBI-TLS" in told


def test_a_folder_that_is_no_run_cannot_be_replayed(tmp_path: Path) -> None:
    code, told = run("replay", str(tmp_path), "SBI-TLS-01")
    assert code == 2
    assert "no run folder" in told


def test_a_purpose_that_is_accepted_and_does_not_exist_is_named(tmp_path: Path) -> None:
    (tmp_path / "lab.yaml").write_text(
        "name: x\nscope: {networks: [127.0.0.0/8], authorised_by: me, until: 2099-01-01}\n"
        "accepted: [{purpose: SBI-NO-99, reason: r, by: me, until: 2099-01-01}]\n"
    )
    code, told = run("run", str(tmp_path / "lab.yaml"), "--out", str(tmp_path / "out"))
    assert code == 2
    assert "SBI-NO-99" in told
