"""Failed authentications in a row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from imsproof.codec.sip import Message, request
from imsproof.lab.sip.guesses import Guesses, source
from imsproof.lab.sip.policy import SipPolicy

if TYPE_CHECKING:
    from collections.abc import Callable

    Drive = Callable[..., None]
    Lab = Any

POLICY = SipPolicy(guess_limit=2)


def register(address: str) -> Message:
    vias = [("Via", "SIP/2.0/UDP p;branch=z9hG4bK1"), ("Via", f"SIP/2.0/UDP u;branch=z9hG4bK2;received={address}")]
    return request("REGISTER", "sip:ims.example", vias)


def test_the_source_is_where_the_p_cscf_got_it_from() -> None:
    assert source(register("192.0.2.1")) == "192.0.2.1"
    assert source(request("REGISTER", "sip:x", [("Via", "SIP/2.0/UDP 192.0.2.2:5060;branch=z9hG4bK1")])) == "192.0.2.2"
    assert source(request("REGISTER", "sip:x", [])) == ""


def test_a_source_is_locked_for_one_subscriber_only() -> None:
    guesses, mine, other = Guesses(), register("192.0.2.1"), register("192.0.2.2")
    guesses.failed("a", mine, POLICY)
    assert not guesses.locked("a", mine, POLICY)
    guesses.failed("a", mine, POLICY)
    assert guesses.locked("a", mine, POLICY)
    assert not guesses.locked("b", mine, POLICY)
    assert not guesses.locked("a", other, POLICY)
    assert not guesses.locked("a", mine, SipPolicy(guess_limit=0))


def test_success_forgives() -> None:
    guesses, mine = Guesses(), register("192.0.2.1")
    for _ in range(2):
        guesses.failed("a", mine, POLICY)
    guesses.succeeded("a", mine, POLICY)
    assert not guesses.locked("a", mine, POLICY)


def test_the_planted_lock_holds_for_everybody() -> None:
    policy = SipPolicy(guess_limit=1, guess_lock_source=False)
    guesses = Guesses()
    guesses.failed("a", register("192.0.2.1"), policy)
    assert guesses.locked("a", register("192.0.2.2"), policy)
    guesses.clear()
    assert not guesses.locked("a", register("192.0.2.2"), policy)


def test_a_subscriber_is_refused_after_wrong_passwords_until_another_source_asks(drive: Drive) -> None:
    async def work(lab: Lab) -> None:
        lab.plant(guess_limit=1)
        ue = await lab.ue(1)
        challenge = await ue.ask(ue.register_request())
        wrong = ue.credentials(challenge).replace('response="', 'response="0')
        assert (await ue.ask(ue.register_request(wrong))).status == 403
        assert (await ue.ask(ue.register_request())).status == 403
        elsewhere = await lab.ue(1, host="127.0.0.2")
        await elsewhere.register()

    drive(work)
