"""The judge: pure predicates over events, and the table that makes verdicts of them."""

from imsproof.judge.expect import Expectation, afterwards, alive, control, expect
from imsproof.judge.registry import recompute
from imsproof.judge.verdict import conclude, decide

__all__ = ["Expectation", "afterwards", "alive", "conclude", "control", "decide", "expect", "recompute"]
