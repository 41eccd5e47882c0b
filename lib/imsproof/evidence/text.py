"""Text from anywhere, made fit for HTML, SVG and XML."""

from __future__ import annotations

import html
import re

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def clean(text: str) -> str:
    """Return the text with what XML 1.0 cannot hold (controls, lone surrogates) replaced by U+FFFD."""
    return _NOT_XML.sub("\ufffd", text)


def escape(text: object) -> str:
    """Return any value as text that is safe in HTML, SVG and XML, in content and in attributes."""
    return html.escape(clean(str(text)), quote=True)


def printable(text: str) -> str:
    """Return text of anybody's that does nothing to a terminal: what is no printable character becomes U+FFFD."""
    return "".join(one if one.isprintable() or one == "\n" else "\ufffd" for one in text)


def shorten(text: str, longest: int) -> str:
    """Return the text on one line and at most ``longest`` characters, with an ellipsis where it was cut."""
    line = " ".join(text.split())
    return line if len(line) <= longest else line[: max(longest - 1, 1)].rstrip() + "…"
