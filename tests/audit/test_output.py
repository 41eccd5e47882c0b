"""Every form says the same, and text of anybody's stays text in each."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest
from tests.audit import wire

from imsproof.audit import output
from imsproof.audit.checks import Audit, audit

if TYPE_CHECKING:
    from pathlib import Path

HOSTILE = 'AKAv1-MD5", ck="00", ik="11<script>alert(1)</script>|`\x1b[31m'


@pytest.fixture
def found(tmp_path: Path) -> Audit:
    """An audit of a capture whose file name and contents are hostile."""
    request = wire.register()
    banner = ("Server", "x<img src=x>|/1.2 \x1b[31m")
    told = ("WWW-Authenticate", f'Digest realm="x", nonce="AAAA", algorithm=AKAv1-MD5, ck="{HOSTILE}"')
    said = wire.dialogue((wire.UE, wire.EDGE, request), (wire.EDGE, wire.UE, wire.answer(request, 401, told, banner)))
    path = tmp_path / "<b>x&.pcap"
    path.write_bytes(wire.pcap(said))
    return audit(path)


def test_the_page_holds_no_markup_of_the_capture_and_no_script(found: Audit) -> None:
    page = output.html(found)
    for word in ("<script", "<img", "<b>x", "\x1b", "javascript:"):
        assert word not in page
    assert "SEEN-AKA-01" in page
    assert "default-src &#x27;none&#x27;" in page


def test_markdown_keeps_each_row_in_one_line_and_its_cells(found: Audit) -> None:
    rows = [line for line in output.markdown(found).splitlines() if line.startswith("|")]
    assert len(rows) == len(found.results) + 2
    assert {row.replace("\\|", "").count("|") for row in rows} == {6}
    assert not any("\x1b" in row or "<img" in row.replace("\\<", "") for row in rows)


def test_junit_counts_what_it_shows(found: Audit) -> None:
    suite = ET.fromstring(output.junit(found))[0]
    for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        assert int(suite.get(name, "")) == len(suite.findall(f"testcase/{tag}"))
    assert int(suite.get("failures", "")) == 2


def test_the_lines_tell_the_worst_first_with_clause_and_packet(found: Audit) -> None:
    lines = list(output.lines(found))
    first = next(n for n, line in enumerate(lines) if line.startswith("fail"))
    assert "packet 2" in lines[first + 2]
    assert lines[-1].startswith("not seen")
