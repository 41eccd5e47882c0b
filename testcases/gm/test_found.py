"""What campaigns found and somebody kept (``imsproof keep RUN ID --purpose GM-MALFORMED-nn``): it does no harm.

Each folder of ``found/`` holds the messages of one purpose, as they were made small.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from imsproof.actors.torturer import Torturer
from imsproof.judge import alive, control, expect
from imsproof.purpose import purposes

if TYPE_CHECKING:
    from imsproof.bench import Bench

PROCESSED = [200, 401, 407]
FOUND = {
    folder.name: tuple(path.read_bytes() for path in sorted(folder.glob("message-*.bin")))
    for folder in sorted((Path(__file__).parent / "found").glob("GM-MALFORMED-*"))
}


@purposes(FOUND)
def test_what_once_did_harm_does_none(bench: Bench, case: tuple[bytes, ...]) -> None:
    """The lab goes on serving after the messages, and is as quick as before."""
    torturer = Torturer(bench.session, bench.gm, bench.random, transport="udp", sources=bench.profile.tester.addresses)
    before = torturer.plain()
    control(before).accepted(PROCESSED)
    torturer.send_in_order([(f"message {number}", data) for number, data in enumerate(case, 1)])
    after = torturer.well()
    expect(after[0]).that("serves", exchanges=[one.exchange for one in after], accept=PROCESSED)
    expect(after[-1]).holds("not-slower", reference=before.exchange, factor=20, floor=1.0)
    alive(*after, accept=PROCESSED)
