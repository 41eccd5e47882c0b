"""The first ten minutes with a lab that nobody has described: look, check, run; what is said then must be true."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.whole.command import imsproof, run_json

from imsproof.lab.launch import RunningLab, launch

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FAMILIES = ("GM-TLS", "GM-PRIVACY", "SBI-TLS", "SBI-CERT", "SBI-NRF")


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLab]:
    with launch(tmp_path_factory.mktemp("lab")) as running:
        yield running


@pytest.fixture(scope="module")
def draft(lab: RunningLab, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the draft of a profile, as a newcomer does."""
    draft = tmp_path_factory.mktemp("draft") / "lab.yaml"
    hosts = [word for last in (10, 30, 50) for word in ("--from", f"{lab.prefix}.{last}")]
    done = imsproof("profile", "new", draft, *hosts, "--authorised-by", "me", "--until", "2099-01-01")
    assert done.returncode == 0, done.stdout + done.stderr
    return draft


def test_the_draft_of_a_right_lab_is_reached_and_fails_it_in_nothing(draft: Path, tmp_path: Path) -> None:
    checked = imsproof("profile", "check", draft)
    assert checked.returncode == 0, checked.stdout
    assert "not reached" not in checked.stdout
    families = [word for family in FAMILIES for word in ("--family", family)]
    imsproof("run", draft, *families, "--out", tmp_path, "--workers", 2)
    wrong = [one for one in run_json(tmp_path)["purposes"] if one["verdict"] in {"fail", "error"}]
    assert wrong == []


def test_a_flaw_that_needs_no_credentials_is_caught_with_the_draft_alone(
    lab: RunningLab, draft: Path, tmp_path: Path
) -> None:
    lab.faults("tls.old_versions")
    try:
        done = imsproof("run", draft, "-p", "GM-TLS-01", "--out", tmp_path, "--workers", 1)
    finally:
        lab.faults()
    assert done.returncode == 1, done.stdout
    assert run_json(tmp_path)["purposes"][0]["verdict"] == "fail"
