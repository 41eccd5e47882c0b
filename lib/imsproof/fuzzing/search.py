"""The search with Hypothesis: examples drawn from strategies, each judged, led by what reacts as never before.

There is no source to measure, so the lab's reactions stand in for coverage: what showed a new one (status, reason,
headers, length, time) becomes material for the rounds that follow. Most rounds explore: they draw
short conversations from all levels of a protocol; some edit one known message and let Hypothesis climb towards rare
reactions. What harms the lab goes to the campaign, which confirms it and makes it small.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable  # noqa: TC003 - the dataclass' fields
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis import target as aim_at

from imsproof.fuzzing.strategies import LEVELS, Levels, edited

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hypothesis.database import ExampleDatabase

    from imsproof.fuzzing.campaign import Campaign, Progress

ROUND = 200
"""Examples of one round; the corpus of a round stands from its beginning."""
STEPS = 4
"""Messages of one example at most: what takes two steps is within reach, and each costs less than it would alone."""
CLIMB = 6
"""Every so many rounds one climbs."""
MAX_GROWN = 500
PROTOCOLS = {
    "gm-sip": "sip", "gm-sdp": "sdp", "ng": "sdp", "sbi-json": "json", "sbi-token": "token",
    "dtls": "dtls", "sctp": "sctp", "dcep": "dcep", "msrp": "msrp", "rtp": "rtp", "stun": "stun",
}  # fmt: skip
"""The protocol whose strategies a target is given, beside its own corpus."""


@dataclass(slots=True)
class Search:
    """How examples are drawn.

    Attributes:
        levels: the target's protocol; ``None`` where only its corpus is mutated.
        corpus: messages to edit; grows when ``guided``.
        first: seed of the first round.
        guided: whether reactions lead the search; without, the same seed draws the same examples.
        database: where Hypothesis keeps what led furthest, shared or not.
        finish: what is done to an example before it goes out (a token of its own).
    """

    levels: Levels | None
    corpus: list[bytes]
    first: int
    guided: bool = True
    database: ExampleDatabase | None = None
    finish: Callable[[bytes], bytes] = lambda data: data
    seen: Counter[str] = field(default_factory=Counter)

    def run(self, campaign: Campaign, heard: Callable[[Progress], None] = lambda _: None) -> Progress:
        """Search until the campaign's budget is used up."""
        if campaign.begin():
            number = 0
            while campaign.room():
                self._round(campaign, number, heard)
                number += 1
        return campaign.end()

    def strategy(self) -> st.SearchStrategy[tuple[str, bytes]]:
        """What a round draws from: the protocol's levels, and edits of the corpus as it is now."""
        return self.known() if self.levels is None else st.one_of(self.known(), self.levels.all())

    def known(self) -> st.SearchStrategy[tuple[str, bytes]]:
        """Edits of the corpus as it is now."""
        return st.tuples(st.just("edited"), edited(st.sampled_from(list(self.corpus))))

    def _round(self, campaign: Campaign, number: int, heard: Callable[[Progress], None]) -> None:
        climbs = self.guided and number % CLIMB == CLIMB - 1  # over few choices: climbing costs their square
        phases = (Phase.reuse, Phase.generate, Phase.target) if climbs else (Phase.generate,)
        drawing = self.known() if climbs else self.strategy()

        @seed(self.first + number)
        @settings(
            max_examples=ROUND,
            database=self.database if self.guided else None,
            deadline=None,
            phases=phases,
            suppress_health_check=list(HealthCheck),
        )
        @given(st.lists(drawing, min_size=1, max_size=1 if climbs else STEPS))
        def example(drawn: list[tuple[str, bytes]]) -> None:
            cases = [(level, self.finish(data)) for level, data in drawn if data][: campaign.room()]
            if not cases:
                return
            fresh = campaign.step(cases)
            if self.guided:
                novelty = self._novelty(campaign.last_kinds)
                if climbs:
                    aim_at(novelty, label="novelty")
                if fresh and len(self.corpus) < MAX_GROWN:
                    grown.extend(data for _, data in drawn if data)
            heard(campaign.progress)

        grown: list[bytes] = []
        example()
        self.corpus += grown

    def _novelty(self, kinds: Sequence[str]) -> float:
        """How rare the rarest of these reactions is: 1 when it was never seen."""
        self.seen.update(kinds)
        return max((1.0 / self.seen[kind] for kind in kinds), default=0.0)


def levels_of(target: str) -> Levels | None:
    """The strategies of a target's protocol."""
    return LEVELS.get(PROTOCOLS.get(target, ""))


def marked(mark: bytes) -> Callable[[bytes], bytes]:
    """Give each message a number of its own in the place of the mark."""
    number = 0

    def finish(data: bytes) -> bytes:
        nonlocal number
        number += 1
        return data.replace(mark, b"%0*x" % (len(mark), number))

    return finish
