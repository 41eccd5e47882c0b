"""Where a cited document can be read, for documents whose address follows from their name."""

from __future__ import annotations

import re


def document_url(document: str) -> str | None:
    """Return the publisher's page of a 3GPP specification or an RFC, ``None`` for anything else.

    ``TS 33.210`` and ``TR 33.926`` give 3GPP's page of the specification, ``RFC 8122`` the RFC editor's.
    """
    if found := re.fullmatch(r"T[SR] (\d\d)\.(\d{3})", document):
        return f"https://www.3gpp.org/dynareport/{found[1]}{found[2]}.htm"
    if found := re.fullmatch(r"RFC (\d{1,5})", document):
        return f"https://www.rfc-editor.org/rfc/rfc{found[1]}"
    return None
