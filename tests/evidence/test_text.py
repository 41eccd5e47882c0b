"""Any text is fit for XML after it was cleaned."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from imsproof.evidence.text import clean, escape, printable, shorten


@given(st.text())
def test_any_text_stands_in_an_attribute_and_in_content(text: str) -> None:
    """The XML parser takes it and gives it back (line ends as XML has them)."""
    element = ET.fromstring(f'<a b="{escape(text)}">{escape(text)}</a>')
    assert (element.text or "") == clean(text).replace("\r\n", "\n").replace("\r", "\n")


@given(st.text(), st.integers(1, 50))
def test_shortened_text_is_one_short_line(text: str, longest: int) -> None:
    """At most the length asked for, no line end."""
    short = shorten(text, longest)
    assert len(short) <= max(longest, 2)
    assert len(short.splitlines()) <= 1


def test_surrogates_and_controls_become_visible() -> None:
    """Nothing is dropped silently."""
    assert clean("a\x00\ud800b") == "a\ufffd\ufffdb"


@given(st.text())
def test_printable_text_does_nothing_to_a_terminal(text: str) -> None:
    """Line ends stay; escapes, bells and what turns the writing round go."""
    shown = printable(text + "\x1b[2J\x07\u202e\n")
    assert all(one.isprintable() or one == "\n" for one in shown)
    assert len(shown) == len(text) + 7
