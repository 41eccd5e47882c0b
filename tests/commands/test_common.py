"""Exit codes of the contract."""

from __future__ import annotations

import pytest

from imsproof.commands.common import Exit, exit_code
from imsproof.seams import Verdict


@pytest.mark.parametrize(
    ("verdict", "code"),
    [
        (Verdict.PASS, Exit.PASS),
        (Verdict.REMARK, Exit.PASS),
        (Verdict.FAIL, Exit.FAIL),
        (Verdict.INCONCLUSIVE, Exit.UNDECIDED),
        (Verdict.ERROR, Exit.UNDECIDED),
    ],
)
def test_the_verdict_of_a_run_gives_its_exit_code(verdict: Verdict, code: Exit) -> None:
    assert exit_code(verdict) == code
