"""What a run tells its workers is read as it was written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imsproof.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path


def test_settings_survive_their_file(tmp_path: Path) -> None:
    settings = Settings("lab.yaml", str(tmp_path), 7, plan={"SBI-TLS-01": ("", "tls.no_tls13")}, workers=3)
    assert Settings.read(settings.write(tmp_path / "settings.json")) == settings
