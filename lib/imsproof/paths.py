"""Where testcases, profiles and reports lie: in a checkout, and in an installed wheel."""

from __future__ import annotations

import subprocess
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
_CHECKOUT = _PACKAGE.parent.parent
_INSTALLED = _PACKAGE / "_data"


def data(name: str) -> Path:
    """Return the folder ``name`` (``testcases``, ``profiles``): the wheel's copy, or the checkout's own."""
    installed = _INSTALLED / name
    return installed if installed.is_dir() else _CHECKOUT / name


def testcases() -> Path:
    """The folder with the testcases."""
    return data("testcases")


def profiles() -> Path:
    """The folder with the profiles."""
    return data("profiles")


def checkout() -> Path | None:
    """The checkout that this runs from, or ``None`` when it is installed from a wheel."""
    return _CHECKOUT if (_CHECKOUT / "pyproject.toml").is_file() and not _INSTALLED.is_dir() else None


def default_reports() -> Path:
    """Where runs land unless told otherwise: ``reports/`` of the checkout, or of the current folder."""
    root = checkout()
    return (root if root is not None and Path.cwd().is_relative_to(root) else Path.cwd()) / "reports"


def commit() -> str:
    """The commit of the checkout that this runs from (12 digits), ``""`` when it cannot be told."""
    root = checkout()
    if root is None:
        return ""
    git = ["git", "-C", str(root), "rev-parse", "--short=12", "HEAD"]
    try:
        told = subprocess.run(git, capture_output=True, text=True, check=False)  # noqa: S603 - our own checkout
    except OSError:
        return ""
    return told.stdout.strip()
