"""Campaigns against a lab of the mind: what breaks it is found, confirmed, made small; what does not is let be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imsproof.fuzzing.campaign import Budget, Campaign, Harm
from imsproof.fuzzing.target import Health, Reaction

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from imsproof.seams import Address


class Lab:
    """Dies when messages with these words come in this order; lives again when it is restored."""

    name = "mind"

    def __init__(self, *words: bytes, elsewhere: bool = False, slow: float = 0.0) -> None:
        self.corpus = [b"x"]
        self.words = words
        self.elsewhere = elsewhere
        self.slow = slow
        self.met = 0
        self.sent: list[bytes] = []

    def fire(self, cases: Sequence[bytes]) -> tuple[Reaction, Health]:
        reaction = Reaction()
        for case in cases:
            self.sent.append(case)
            if self.met < len(self.words) and self.words[self.met] in case:
                self.met += 1
            reaction.statuses[200] = reaction.statuses.get(200, 0) + 1
            reaction.signatures[case[:4]] = f"200 {len(case) % 3}"
        return reaction, self.probe()

    def probe(self) -> Health:
        dead = bool(self.words) and self.met == len(self.words)
        if self.elsewhere and self.sent:
            return Health(serves=True, seconds=0.01, elsewhere=True)
        return Health(serves=not dead, seconds=self.slow if self.sent else 0.01, refused=dead)

    def where(self) -> Address:
        return ("127.0.0.1", 5060)

    def good(self) -> bytes:
        return b"good"

    def renew(self) -> None:
        self.met = 0

    def close(self) -> None:
        pass

    def restore(self) -> bool:
        self.renew()
        return True


def cases(*special: tuple[int, bytes]) -> Iterator[tuple[str, bytes]]:
    placed = dict(special)
    for number in range(10_000):
        yield f"case {number}", placed.get(number, b"%04d harmless" % number)


def test_a_crash_is_found_confirmed_and_made_small() -> None:
    lab = Lab(b"BOOM")
    campaign = Campaign(lab, cases((70, b"0070 some BOOM here")), Budget(cases=200), restore=lab.restore)
    done = campaign.run()
    assert [(one.harm, one.messages, one.confirmed) for one in done.found] == [(Harm.DEAD, (b"BOOM",), True)]
    assert done.cases == 200


def test_a_crash_of_two_steps_in_different_volleys_shrinks_to_its_two_messages() -> None:
    lab = Lab(b"ONE", b"TWO")
    special = ((10, b"0010 ONE"), (100, b"0100 TWO"))
    done = Campaign(lab, cases(*special), Budget(cases=128), restore=lab.restore).run()
    assert [one.messages for one in done.found] == [(b"ONE", b"TWO")]


def test_a_lab_that_does_not_come_back_ends_the_campaign_with_what_to_do() -> None:
    done = Campaign(Lab(b"0003"), cases(), Budget(cases=1000)).run()
    assert done.cases == 64
    assert not done.found[0].confirmed
    assert "--restart" in done.ended


def test_throttling_is_no_harm_and_is_counted() -> None:
    done = Campaign(Lab(elsewhere=True), cases(), Budget(cases=128)).run()
    assert (done.found, done.throttled) == ([], 2)


def test_a_slow_lab_is_told_as_slow() -> None:
    lab = Lab(slow=3.0)
    done = Campaign(lab, cases(), Budget(cases=1, shrink=0.1), restore=lab.restore).run()
    assert done.found[0].harm is Harm.SLOW


def test_a_lab_that_is_dead_before_gets_nothing() -> None:
    lab = Lab(b"x")
    lab.met = 1
    done = Campaign(lab, cases(), Budget(cases=10)).run()
    assert (done.cases, lab.sent) == (0, [])


def test_what_shows_something_new_is_learned_once() -> None:
    learned: list[bytes] = []
    done = Campaign(Lab(), cases(), Budget(cases=640), learn=learned.append).run()
    assert len(done.reactions) == len(learned) == 1


def test_the_same_source_sends_the_same_bytes() -> None:
    first, second = Lab(), Lab()
    for lab in (first, second):
        Campaign(lab, cases(), Budget(cases=300)).run()
    assert first.sent == second.sent
