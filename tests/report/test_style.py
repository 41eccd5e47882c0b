"""The style asks for nothing from outside."""

from __future__ import annotations

from imsproof.report.style import STYLE


def test_the_style_is_whole_and_loads_nothing() -> None:
    """No import, no url, braces in balance, both colour schemes and print."""
    assert "url(" not in STYLE
    assert "@import" not in STYLE
    assert STYLE.count("{") == STYLE.count("}")
    assert "prefers-color-scheme:dark" in STYLE
    assert "@media print" in STYLE
