"""Two ends of ICE over memory: they agree, full or lite, and take nothing from strangers."""

from __future__ import annotations

import pytest

from imsproof.codec import stun
from imsproof.engine.ice import CONSENT_SECONDS, Credentials, IceAgent, Strictness

A, B, STRANGER = ("127.0.0.1", 1), ("127.0.0.2", 2), ("127.0.0.3", 3)


def pair(*, controlling: bool = True, lite: tuple[bool, bool] = (False, False)) -> tuple[IceAgent, IceAgent]:
    one, two = Credentials.make(), Credentials.make()
    first = IceAgent(one, two, controlling=controlling, lite=lite[0], remote_lite=lite[1], candidates=(B,))
    second = IceAgent(two, one, controlling=not controlling, lite=lite[1], remote_lite=lite[0], candidates=(A,))
    return first, second


def carry(first: IceAgent, second: IceAgent) -> None:
    """Carry datagrams until both are silent."""
    for _ in range(20):
        for sender, source, receiver in ((first, A, second), (second, B, first)):
            for data, target in sender.outgoing():
                assert target in (A, B)
                assert receiver.receive(data, source)


def only(agent: IceAgent) -> stun.Message:
    [(data, target)] = agent.outgoing()
    assert target == STRANGER
    return stun.Message.parse(data)


@pytest.mark.parametrize("lite", [(False, False), (False, True), (True, False), (True, True)])
def test_two_ends_agree(lite: tuple[bool, bool]) -> None:
    first, second = pair(controlling=not lite[0], lite=lite)
    first.start()
    second.start()
    carry(first, second)
    assert (first.selected, second.selected) == (B, A)


@pytest.mark.parametrize("controlling", [True, False])
def test_one_of_two_equals_gives_way(controlling: bool) -> None:
    first, second = pair()
    first.controlling = second.controlling = controlling
    first.start()
    second.start()
    carry(first, second)
    assert first.controlling is not second.controlling
    assert (first.selected, second.selected) == (B, A)


def test_lost_checks_come_again_and_then_consent_is_asked_for() -> None:
    first, second = pair(lite=(False, True))
    first.start()
    assert len(first.outgoing()) == 1
    assert (first.timeout(), second.timeout()) == (0.5, None)
    first.handle_timeout()
    carry(first, second)
    assert first.selected == B
    assert first.timeout() == pytest.approx(CONSENT_SECONDS, rel=0.21)
    first.handle_timeout()
    assert len(first.outgoing()) == 1


@pytest.mark.parametrize(
    ("wrong", "code"),
    [({"password": "wrong"}, 401), ({"password": ""}, 400), ({"username": ""}, 400), ({"username": "x:y"}, 401)],
)
@pytest.mark.parametrize("lite", [True, False])
def test_a_request_without_the_right_credential_is_refused(wrong: dict[str, str], code: int, lite: bool) -> None:
    first, second = pair(lite=(False, lite))
    assert second.receive(
        first.check(nominate=True, password=wrong.get("password"), username=wrong.get("username")).to_bytes(), STRANGER
    )
    assert only(second).error_code == code
    assert second.selected is None


@pytest.mark.parametrize("careless", ["integrity", "presence", "username"])
def test_each_carelessness_lets_one_wrong_request_through(careless: str) -> None:
    first, second = pair(lite=(False, True))
    second.strictness = Strictness(**{careless: False})
    wrong = {"integrity": {"password": "wrong"}, "presence": {"password": ""}, "username": {"username": "x:y"}}
    chosen = wrong[careless]
    check = first.check(password=chosen.get("password"), username=chosen.get("username"))
    second.receive(check.to_bytes(), STRANGER)
    assert only(second).class_ == "success"


def test_answers_of_strangers_and_to_nothing_are_not_believed() -> None:
    first, second = pair()
    first.start()
    [(check, _)] = first.outgoing()
    second.receive(check, A)
    answer = next(data for data, _ in second.outgoing() if stun.Message.parse(data).class_ == "success")
    assert first.receive(answer, STRANGER)
    changed = stun.Message.parse(answer)
    first.receive(stun.Message(changed.kind, changed.transaction).protected("wrong").to_bytes(), B)
    assert first.outgoing() == []
    first.receive(answer, B)
    assert len(first.outgoing()) == 1


def test_what_is_not_stun_is_not_taken_and_broken_stun_is_dropped() -> None:
    first, _ = pair()
    assert not first.receive(b"\x16\xfe\xfd" + bytes(40), B)
    assert first.receive(b"\0\1\0\x08\x21\x12\xa4\x42" + bytes(12), B)
    assert first.outgoing() == []
