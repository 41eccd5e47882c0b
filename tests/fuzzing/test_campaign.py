"""Campaigns against a lab of the mind: what breaks it is found, confirmed, made small; what does not is let be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from imsproof.fuzzing import campaign
from imsproof.fuzzing.campaign import Budget, Campaign, Progress
from imsproof.fuzzing.target import Reaction, Told
from imsproof.fuzzing.watch import Condition, Health, Look, Watch

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pytest

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
        broken = bool(self.words) and self.met == len(self.words)
        if self.slow:
            late = broken or (not self.words and bool(self.sent))
            return Health(serves=True, seconds=self.slow if late else 0.01)
        dead = broken
        if self.elsewhere and self.sent:
            return Health(serves=True, seconds=0.01, elsewhere=True)
        return Health(serves=not dead, seconds=0.01, refused=dead)

    def where(self) -> Address:
        return ("127.0.0.1", 5060)

    def good(self) -> bytes:
        return b"good"

    def again(self, case: bytes) -> bytes:
        return case

    def like(self, case: bytes) -> bytes:
        return b"good"

    def wire(self, case: bytes) -> list[bytes]:
        return [case]

    def retell(self, messages: Sequence[bytes]) -> Told:
        return Told([], [], [])

    def renew(self) -> None:
        self.met = 0

    def close(self) -> None:
        pass

    def restore(self) -> bool:
        self.renew()
        return True


def run(lab: Lab, source: Iterator[tuple[str, bytes]], budget: Budget, **more: Any) -> Progress:
    return Campaign(lab, budget, watch=Watch(lab, patience=0.0), **more).run(source)


def cases(*special: tuple[int, bytes]) -> Iterator[tuple[str, bytes]]:
    placed = dict(special)
    for number in range(10_000):
        yield f"case {number}", placed.get(number, b"%04d harmless" % number)


def test_a_crash_is_found_confirmed_and_made_small() -> None:
    lab = Lab(b"BOOM")
    done = run(lab, cases((70, b"0070 some BOOM here")), Budget(cases=200), restore=lab.restore)
    assert [(one.harm, one.messages, one.confirmed) for one in done.found] == [(Condition.DEAD, (b"BOOM",), True)]
    assert done.cases == 200


def test_a_crash_of_two_steps_in_different_volleys_shrinks_to_its_two_messages() -> None:
    lab = Lab(b"ONE", b"TWO")
    special = ((10, b"0010 ONE"), (100, b"0100 TWO"))
    done = run(lab, cases(*special), Budget(cases=128), restore=lab.restore)
    assert [one.messages for one in done.found] == [(b"ONE", b"TWO")]


def test_a_lab_that_does_not_come_back_ends_the_campaign_with_what_to_do() -> None:
    done = run(Lab(b"0003"), cases(), Budget(cases=1000))
    assert done.cases == 64
    assert not done.found[0].confirmed
    assert "--restart" in done.ended


def test_throttling_is_no_harm_and_is_counted() -> None:
    done = run(Lab(elsewhere=True), cases(), Budget(cases=96))
    assert (done.found, done.throttled) == ([], 2)


def test_a_message_that_makes_the_lab_slow_is_found() -> None:
    lab = Lab(b"0003", slow=3.0)
    done = run(lab, cases(), Budget(cases=64, shrink=5.0), restore=lab.restore)
    assert [(one.harm, one.messages) for one in done.found] == [(Condition.SLOW, (b"0003",))]


def test_a_lab_that_as_many_good_messages_make_slow_is_loaded_and_not_harmed() -> None:
    lab = Lab(slow=3.0)
    done = run(lab, cases(), Budget(cases=1), restore=lab.restore)
    assert (done.found, done.loaded) == ([], 1)


def test_a_lab_that_throttles_without_end_ends_the_campaign_with_what_to_do() -> None:
    done = run(Lab(elsewhere=True), cases(), Budget(cases=10_000))
    assert done.throttled == 20
    assert "tester.addresses" in done.ended


def test_a_lab_that_is_dead_before_gets_nothing() -> None:
    lab = Lab(b"x")
    lab.met = 1
    done = run(lab, cases(), Budget(cases=10))
    assert (done.cases, lab.sent) == (0, [])


def test_what_shows_something_new_is_learned_once() -> None:
    learned: list[bytes] = []
    done = run(Lab(), cases(), Budget(cases=640), learn=learned.append)
    assert len(done.reactions) == len(learned) == 1


def test_the_same_source_sends_the_same_bytes() -> None:
    first, second = Lab(), Lab()
    for lab in (first, second):
        run(lab, cases(), Budget(cases=300))
    assert first.sent == second.sent


class Grows:
    """A hook that says that memory grows: with each message of one kind, or with any."""

    def __init__(self, lab: Lab, leak: bytes) -> None:
        self.lab = lab
        self.leak = leak

    def begin(self) -> str:
        return ""

    def look(self, *, urgent: bool) -> Look:
        return Look(Condition.GROWN, why="memory has grown")

    def memory(self) -> int:
        return 50_000 + 16 * sum(self.leak in one for one in self.lab.sent)


def test_memory_that_grows_with_good_messages_too_is_a_remark() -> None:
    lab = Lab()
    hooks: Any = Grows(lab, b"")
    done = Campaign(lab, Budget(cases=64), watch=Watch(lab, hooks), rest=0.0).run(cases())
    assert done.found == []
    assert ["no leak" in one for one in done.remarks] == [True]


def test_memory_that_grows_with_malformed_messages_alone_is_a_leak() -> None:
    lab = Lab()
    hooks: Any = Grows(lab, b"harmless")
    done = Campaign(lab, Budget(cases=64), watch=Watch(lab, hooks), rest=0.0).run(cases())
    assert [(one.harm, len(one.messages), one.confirmed) for one in done.found] == [(Condition.LEAKING, 64, True)]


def test_what_a_lab_did_wrong_while_it_serves_is_a_finding() -> None:
    class Takes(Lab):
        def fire(self, cases: Sequence[bytes]) -> tuple[Reaction, Health]:
            taken = any(b"FORGED" in one for one in cases)
            breach = Look(Condition.ACCEPTED, why="a forged one was served") if taken else None
            return Reaction(), Health(serves=True, seconds=0.01, breach=breach)

    done = run(Takes(), cases((7, b"0007 FORGED")), Budget(cases=64))
    assert [(one.harm, one.messages, one.alone) for one in done.found] == [(Condition.ACCEPTED, (b"FORGED",), True)]


def test_a_lab_that_still_answers_while_it_dies_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    class DiesLate(Lab):
        """Answers once more after the message that kills it."""

        last_words = 1

        def probe(self) -> Health:
            found = super().probe()
            if found.serves:
                self.last_words = 1
                return found
            self.last_words -= 1
            return found if self.last_words < 0 else Health(serves=True, seconds=0.01)

    monkeypatch.setattr(campaign, "LATE", 0.0)
    lab = DiesLate(b"BOOM")
    done = run(lab, cases((70, b"0070 some BOOM here")), Budget(cases=300), restore=lab.restore)
    assert [(one.harm, one.messages, one.alone) for one in done.found] == [(Condition.DEAD, (b"BOOM",), True)]
