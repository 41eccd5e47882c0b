"""A whole small run on disk, with true judgements, for the tests of bundle, verify and the reports."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.evidence import samples

from imsproof import judge
from imsproof.evidence.purpose import write_purpose
from imsproof.evidence.result import Citation, PurposeResult
from imsproof.evidence.run import RunFolder
from imsproof.judge.registry import apply
from imsproof.seams import Record, Role, Verdict

if TYPE_CHECKING:
    from pathlib import Path

REFUSED = "GM-AKA-02"
ABSENT = "DC-FP-02"


def make(out: Path) -> RunFolder:
    """Make a run of one decided purpose (over UDP, refused as it should be) and one that does not apply."""
    folder = RunFolder.create(out, "reference", seed=7, version="0.1.0", planned=[REFUSED, ABSENT])
    record = Record(REFUSED, samples.register_events())
    record.judgements.append(apply("refused", record.events, role=Role.CLAIM, params={"exchange": "1:REGISTER"}))
    verdict, reason, control = judge.decide(record.judgements, needs_control=False)
    result = PurposeResult(
        REFUSED, "GM-AKA", "a wrong RES is refused", verdict, reason, control, (Citation("TS 33.203", "6.1", "text"),)
    )
    told = write_purpose(
        folder.path,
        result,
        record,
        needs_control=False,
        raised=None,
        packets=samples.register_packets(),
        keys=["CLIENT_RANDOM aa bb"],
    )
    folder.add(told)
    folder.add(PurposeResult(ABSENT, "DC-FP", "fingerprints arrive as sent", Verdict.NOT_APPLICABLE, "no far UE"))
    folder.finish()
    return folder
