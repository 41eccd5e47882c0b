"""Documents whose address follows from their name have a link; others have none."""

from __future__ import annotations

import pytest

from imsproof.report.links import document_url


@pytest.mark.parametrize(
    ("document", "url"),
    [
        ("TS 33.210", "https://www.3gpp.org/dynareport/33210.htm"),
        ("TR 33.926", "https://www.3gpp.org/dynareport/33926.htm"),
        ("RFC 8122", "https://www.rfc-editor.org/rfc/rfc8122"),
        ("CAICT report", None),
        ("TS 33.210 6.2", None),
        ('RFC 1" onclick="x', None),
    ],
)
def test_document_url(document: str, url: str | None) -> None:
    """3GPP and RFC editor only."""
    assert document_url(document) == url
