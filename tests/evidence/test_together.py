"""Captures decrypted together say what each says alone, also where their addresses are the same."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from imsproof.evidence import plaintext, together

PCAPS = Path(__file__).resolve().parents[2] / "pcaps"
needs_tshark = pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")


def capture(name: str) -> tuple[Path, list[str]]:
    """A reference capture with its associations."""
    associations = PCAPS / f"{name}.esp_sa"
    lines = associations.read_text(encoding="ascii").splitlines() if associations.exists() else []
    return PCAPS / f"{name}.pcapng", lines


@needs_tshark
def test_each_says_what_it_says_alone(tmp_path: Path) -> None:
    captures = [capture(name) for name in ("tokens", "associations", "tokens", "data-channel", "outside-association")]
    found = together.decrypt(captures, tmp_path / "joined.pcapng")
    assert not (tmp_path / "joined.pcapng").exists()
    for one, (path, associations) in zip(found, captures, strict=True):
        alone = plaintext.decrypt(path, associations)
        assert dict(one.connections) == dict(alone.connections)
        assert one.partly == alone.partly
    assert found[0].connections
    assert found[1].connections


@needs_tshark
def test_one_that_cannot_be_read_is_an_error_of_all(tmp_path: Path) -> None:
    (tmp_path / "broken.pcapng").write_bytes(b"no capture")
    with pytest.raises(ValueError, match="byte 0"):
        together.decrypt([capture("tokens"), (tmp_path / "broken.pcapng", [])], tmp_path / "joined.pcapng")
    assert not (tmp_path / "joined.pcapng").exists()


def test_too_many_and_missing_ones_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at most"):
        together.decrypt([capture("tokens")] * 300, tmp_path / "joined.pcapng")
    with pytest.raises(ValueError, match="cannot be joined"):
        together.decrypt([(tmp_path / "none.pcapng", [])], tmp_path / "joined.pcapng")
