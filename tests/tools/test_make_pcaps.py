"""What stands beside the reference captures is what an audit says of them."""

from __future__ import annotations

import json
import runpy
from pathlib import Path

TOOL = runpy.run_path(str(Path(__file__).resolve().parents[2] / "tools" / "make_pcaps.py"))


def test_a_capture_is_judged_as_it_is_kept() -> None:
    expected = json.loads(TOOL["EXPECTED"].read_text(encoding="utf-8"))
    assert TOOL["judged"]("keys-told") == expected["keys-told"]
