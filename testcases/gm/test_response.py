"""Answers to a challenge that are wrong in one thing, or weaker than was asked for (RFC 7616, RFC 3310, RFC 8760)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from imsproof.codec.sip import parse_credentials
from imsproof.gmsteps import REFUSALS, answered_wrongly, challenge_of
from imsproof.judge import alive, control, expect
from imsproof.purpose import purpose, purposes
from imsproof.seams import InconclusiveError, Role

if TYPE_CHECKING:
    from collections.abc import Callable

    from imsproof.actors.sipsubject import Registration
    from imsproof.actors.ue import Ue
    from imsproof.bench import Bench


@dataclass(frozen=True)
class WrongResponse:
    """How the response parameter is spoilt after it was computed."""

    told: str
    spoil: Callable[[str], str]


@purposes(
    {
        "GM-AKA-05": WrongResponse("an empty response", lambda _: ""),
        "GM-AKA-06": WrongResponse("the first half of the right response", lambda right: right[: len(right) // 2]),
        "GM-AKA-07": WrongResponse("a response of zeros", lambda right: "0" * len(right)),
    }
)
def test_a_spoilt_response_is_refused(bench: Bench, case: WrongResponse) -> None:
    """A response that is empty, cut off or all zeros is refused, although nonce and identity are right."""

    def attack(ue: Ue) -> Registration:
        given = challenge_of(ue.challenge(label="challenge to be answered wrongly"))
        return ue.respond(
            given,
            alter_credentials=lambda params: {**params, "response": case.spoil(params["response"])},
            label=f"REGISTER with {case.told}",
        )

    answered_wrongly(bench, attack)


@purpose("GM-AKA-08")
def test_a_response_without_the_secret_is_refused(bench: Bench) -> None:
    """A response that is computed as usual, but with an empty RES or password, is refused."""

    def attack(ue: Ue) -> Registration:
        given = challenge_of(ue.challenge(label="challenge to be answered wrongly"))
        label = "REGISTER with a response made of an empty secret"
        if ue.subscriber.auth == "aka":
            return ue.respond(given, res=lambda _: b"", label=label)
        return ue.respond(given, password="", label=label)

    answered_wrongly(bench, attack)


@purpose("GM-AKA-10")
def test_a_nonce_count_that_does_not_grow_is_refused(bench: Bench) -> None:
    """A response that is computed anew for a nonce that was answered, with the same nc, is refused."""
    ue = bench.ue(auth="digest", registered=False)
    done = ue.register(label="REGISTER with nc 1")
    control(done).accepted()
    given = challenge_of(done)
    if not given.params.get("qop"):
        raise InconclusiveError("the network's challenge has no qop, so that there is no nonce count to test")
    ue.credentials.count_again()
    expect(ue.respond(given, label="REGISTER with nc 1 once more")).refused(status=REFUSALS)
    alive(ue.register(label="REGISTER with a new nonce"))
    ue.close()


@purpose("GM-AKA-26")
def test_a_good_nonce_is_not_called_stale(bench: Bench) -> None:
    """A wrong password is not answered with stale=true, which would have the client try again without asking anybody.

    Of a used nonce RFC 7616 lets it be said whatever the answer was, unlike RFC 2617: that is form.
    """
    ue = bench.ue(auth="digest", registered=False)
    done = ue.register(label="REGISTER with the right password")
    control(done).accepted()
    used = challenge_of(done)
    given = challenge_of(ue.challenge(label="challenge to be answered wrongly"))
    attack = ue.respond(given, password="not the password", label="REGISTER with a wrong password")
    expect(attack).refused(status=REFUSALS)
    expect(attack).holds("not-stale")
    late = ue.respond(used, password="not the password", label="REGISTER with a used nonce and a wrong password")
    expect(late).holds("not-stale", role=Role.FORM)
    alive(ue.register(label="REGISTER with a new nonce"))
    ue.close()


@purpose("GM-AKA-11")
def test_a_response_for_another_method_is_refused(bench: Bench) -> None:
    """A response that was computed for INVITE does not authenticate a REGISTER."""

    def attack(ue: Ue) -> Registration:
        given = challenge_of(ue.challenge(label="challenge to be answered wrongly"))
        return ue.respond(
            given, made_for=("INVITE", bench.gm.registrar), label="REGISTER with a response made for INVITE"
        )

    answered_wrongly(bench, attack)


@purpose("GM-AKA-12")
def test_a_response_for_another_uri_is_refused(bench: Bench) -> None:
    """A response for the URI of another server does not authenticate a REGISTER to this one."""

    def attack(ue: Ue) -> Registration:
        given = challenge_of(ue.challenge(label="challenge to be answered wrongly"))
        return ue.respond(
            given, made_for=("REGISTER", "sip:elsewhere.example"), label="REGISTER with a response for another server"
        )

    answered_wrongly(bench, attack)


@purpose("GM-AKA-19")
def test_aka_is_not_bid_down_to_a_password(bench: Bench) -> None:
    """An AKA challenge that is answered with plain MD5 and an empty password is refused."""

    def attack(ue: Ue) -> Registration:
        given = challenge_of(ue.challenge(label="AKA challenge"))
        plain = replace(given, params={**given.params, "algorithm": "MD5"})
        return ue.respond(plain, password="", label="REGISTER with algorithm MD5 and an empty password")

    answered_wrongly(bench, attack, auth="aka")


@purpose("GM-AKA-25")
def test_akav2_is_not_bid_down_to_akav1(bench: Bench) -> None:
    """A challenge with AKAv2 that is answered with AKAv1-MD5, by who has the right RES, is refused."""
    who = bench.subscribers(1, algorithms=("AKAv2-SHA-256", "AKAv2-MD5"))[0]

    def attack(ue: Ue) -> Registration:
        asked = ue.challenge(label="AKAv2 challenge to be answered with AKAv1")
        given = challenge_of(asked)
        none_weaker(asked, "AKAV1-MD5")
        weak = replace(given, params={**given.params, "algorithm": "AKAv1-MD5"})
        return ue.respond(weak, label="REGISTER with algorithm AKAv1-MD5")

    answered_wrongly(bench, attack, ue=bench.ue(subscriber=who, registered=False))


@purpose("GM-AKA-20")
def test_sha_256_is_not_bid_down_to_md5(bench: Bench) -> None:
    """A challenge for SHA-256 alone that is answered with MD5, by who knows the password, is refused."""
    who = bench.subscribers(1, algorithms=("SHA-256", "SHA-512-256"))[0]
    ue = bench.ue(subscriber=who, registered=False)
    control(ue.register(label="REGISTER as challenged")).accepted()
    ue.deregister()
    asked = ue.challenge(label="challenge to be answered with MD5")
    given = challenge_of(asked)
    none_weaker(asked, "MD5")
    weak = replace(given, params={**given.params, "algorithm": "MD5"})
    expect(ue.respond(weak, label="REGISTER with algorithm MD5")).refused(status=REFUSALS)
    alive(ue.register(label="REGISTER as challenged again"))
    ue.close()


def none_weaker(asked: Registration, weak: str) -> None:
    """Make sure that the network does not offer the weaker algorithm by itself, beside the other."""
    offered = [parse_credentials(text)[1].get("algorithm", "MD5") for text in challenges_in(asked)]
    if weak in {name.upper() for name in offered}:
        raise InconclusiveError(
            f"the network itself offers {weak} ({', '.join(offered)}); there is nothing to bid down"
        )


def challenges_in(registration: Registration) -> list[str]:
    """The values of WWW-Authenticate."""
    return registration.message.get_all("WWW-Authenticate") if registration.message else []
