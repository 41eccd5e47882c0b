"""With fewer subscribers than workers would like, purposes wait for each other and none ends in an error."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml
from tests.whole.command import imsproof, verdicts

from imsproof.lab.launch import launch
from imsproof.paths import profiles

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

OF_TWO = ("GM-ABUSE-01", "GM-ABUSE-03", "GM-ABUSE-05", "GM-ABUSE-08", "GM-PRIVACY-03")


def test_purposes_of_two_subscribers_wait_for_each_other_and_all_get_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text: dict[str, Any] = yaml.safe_load((profiles() / "reference.yaml").read_text())
    text["gm"]["subscribers"] = text["gm"]["subscribers"][:2]
    text["gm"].pop("far_end")
    text["sbi"]["producers"][0].pop("openapi")
    profile = tmp_path / "few.yaml"
    profile.write_text(yaml.safe_dump(text))
    lab = launch(tmp_path / "lab")
    try:
        words = [word for purpose in OF_TWO for word in ("-p", purpose)]
        for name, value in lab.environment.items():
            monkeypatch.setenv(name, value)
        done = imsproof("run", profile, *words, "--workers", 4, "--out", tmp_path / "out")
    finally:
        lab.stop()
    assert done.returncode == 0, done.stdout + done.stderr
    assert verdicts(tmp_path / "out") == dict.fromkeys(OF_TWO, "pass")
