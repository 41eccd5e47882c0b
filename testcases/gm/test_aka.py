"""Registration with IMS AKA (TS 33.203 clause 6.1, TS 33.226 clause 4.2.2.2.1)."""

from __future__ import annotations

import base64
import secrets
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from imsproof.actors.answering import Answering
from imsproof.actors.farleg import FarLeg
from imsproof.codec.sip import Message, parse_credentials
from imsproof.judge import alive, control, expect
from imsproof.purpose import purpose, purposes
from imsproof.seams import InconclusiveError, Kind, Role

if TYPE_CHECKING:
    from collections.abc import Callable

    from imsproof.actors.sipsubject import Challenge, Registration
    from imsproof.actors.ue import Ue
    from imsproof.bench import Bench
    from imsproof.judge.expect import Expectation
    from imsproof.seams import Subject

REFUSALS = (401, 403)
"""A failed authentication is answered by a new challenge or by 403 (TS 24.229 5.4.1.2.3); both are refusals."""
CHALLENGES = 12
DELTA = 1 << 28


def wrong(res: bytes) -> bytes:
    """A RES that is wrong in one bit."""
    return res[:-1] + bytes((res[-1] ^ 1,))


class Reach:
    """How it shows that a subscriber is registered: by a call to it, or by its bindings where nobody else can call."""

    def __init__(self, bench: Bench, ue: Ue) -> None:
        self._ue = ue
        self._caller = bench.ue("ue-b") if "gm.two-subscribers" in bench.profile.capabilities() else None
        if self._caller is not None:
            media = FarLeg(bench.session, ue.local[0], actor="ue-a")
            self._offer = media.sdp().to_bytes()
            self._calls = Answering(ue, lambda _offer: media.sdp())

    def shown(self, expectation: Callable[[Subject], Expectation], label: str) -> Subject:
        """Expect that the subscriber is reached."""
        if self._caller is None:
            told = bindings(self._ue, f"bindings {label}")
            expectation(told).holds("contact-bound", contact=self._ue.contact_uri)
            return told
        call = self._caller.invite(self._ue.impu, self._offer, label=f"call to it {label}")
        expectation(call).accepted()
        if call.ok:
            call.bye()
        return call


def bindings(ue: Ue, label: str) -> Registration:
    """Ask the registrar, authenticated, what is bound: a REGISTER without Contact (RFC 3261 section 10.2.3)."""

    def without_contact(message: Message) -> None:
        message.remove("Contact")
        message.remove("Expires")

    return ue.register(alter=without_contact, label=label)


def fail_authentication(ue: Ue, label: str) -> Registration:
    """Register with a response that is wrong: another RES with AKA, another password with digest."""
    if ue.subscriber.auth == "aka":
        return ue.register(res=wrong, label=label)
    return ue.register(password=f"not {ue.subscriber.password}", label=label)


def refused_as_wrong(done: Registration) -> None:
    """Claim that a registration was challenged, and that the wrong answer to the challenge was then refused."""
    if expect(done).holds("challenged").held:
        expect(done).refused(status=REFUSALS)


@purpose("GM-AKA-01")
def test_registration_proves_both_sides(bench: Bench) -> None:
    """A subscriber is challenged, AUTN carries the right MAC, and the right RES registers it."""
    ue = bench.ue(auth="aka", registered=False)
    done = ue.register()
    expect(done).holds("challenged")
    expect(done).holds("network-authenticated")
    expect(done).accepted()
    ue.close()


@purpose("GM-AKA-02")
def test_a_wrong_response_is_refused(bench: Bench) -> None:
    """A registration with a wrong RES (or password) is refused; the same subscriber with the right one is not."""
    ue = bench.ue(registered=False)
    control(ue.register(label="REGISTER with the right response")).accepted()
    ue.deregister()
    attacker = bench.stranger(ue.subscriber)
    refused_as_wrong(fail_authentication(attacker, "REGISTER with a wrong response"))
    alive(ue.register(label="REGISTER with the right response again"))
    ue.close()


@purpose("GM-AKA-03")
def test_failed_authentication_does_not_deregister(bench: Bench) -> None:
    """A subscriber stays registered, with its contact, when somebody fails authentication in its name."""
    ue = bench.ue()
    reach = Reach(bench, ue)
    reach.shown(control, "before")
    attacker = bench.stranger(ue.subscriber)
    refused_as_wrong(fail_authentication(attacker, "REGISTER in its name with a wrong response"))
    alive(reach.shown(expect, "after"))
    ue.close()


def attacker_of(bench: Bench, ue: Ue) -> Ue:
    """Somebody who speaks in the name of the same subscriber, from a socket of its own."""
    return bench.stranger(ue.subscriber)


def challenge_of(registration: Registration) -> Challenge:
    """The challenge that came back; without one nothing can be shown."""
    if registration.challenge is None:
        raise InconclusiveError(
            f"no challenge came to {registration.exchange} ({registration.failed or registration.status}), so there is"
            " nothing to answer wrongly"
        )
    return registration.challenge


def sent_authorization(registration: Registration) -> tuple[str, str]:
    """Name and value of the credentials in the last REGISTER of a registration, as they crossed the network."""
    name = registration.challenge.header if registration.challenge else "Authorization"
    for event in reversed(registration.record.events):
        if event.exchange == registration.exchange and event.kind is Kind.SENT:
            return name, Message.parse(event.data).get(name) or ""
    return name, ""


def answered_wrongly(
    bench: Bench, attack: Callable[[Ue], Subject], *, auth: str | None = None, ue: Ue | None = None
) -> None:
    """The shape of most purposes here: accepted when right, refused when wrong, accepted again."""
    ue = ue or bench.ue(auth=auth, registered=False)
    control(ue.register(label="REGISTER with the right response")).accepted()
    ue.deregister()
    expect(attack(ue)).refused(status=REFUSALS)
    alive(ue.register(label="REGISTER with the right response again"))
    ue.close()


@purpose("GM-AKA-04")
def test_an_unprotected_register_is_always_challenged(bench: Bench) -> None:
    """A REGISTER without protection is challenged, also in the name of somebody who is registered already."""
    ue = bench.ue()
    attacker = attacker_of(bench, ue)
    again = attacker.challenge(label="unprotected REGISTER of a registered subscriber")
    expect(again).holds("challenged")
    expect(again).refused(status=[401])
    alive(ue.register(label="REGISTER with the right response again"))
    ue.close()


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


@purpose("GM-AKA-09")
def test_a_replayed_registration_is_refused(bench: Bench) -> None:
    """Credentials that were seen on the wire and are sent again bind no contact of the attacker's."""
    ue = bench.ue(registered=False)
    done = ue.register(label="REGISTER that the attacker sees")
    control(done).accepted()
    challenge_of(done)
    seen = sent_authorization(done)
    call_id = done.message.get("Call-ID") if done.message else None
    attacker = attacker_of(bench, ue)

    def replay(message: Message) -> None:
        message.set(*seen)
        message.set("Call-ID", call_id or "replayed")
        message.set("CSeq", "100 REGISTER")

    attack = attacker.challenge(alter=replay, label="REGISTER with the credentials that were seen")
    expect(attack).refused(status=REFUSALS)
    alive(ue.register(label="REGISTER of the rightful subscriber"))
    ue.close()


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


@purpose("GM-AKA-13")
def test_a_challenge_is_not_answered_in_another_s_name(bench: Bench) -> None:
    """A subscriber that answers its own challenge rightly, but in another's name, is not taken for the other."""
    own, other = bench.subscribers(2, auth="aka")
    attacker = bench.stranger(own)
    control(attacker.register(label="REGISTER in its own name")).accepted()
    attacker.deregister()
    given = challenge_of(attacker.challenge(label="challenge in its own name"))

    def as_the_other(message: Message) -> None:
        for name in ("From", "To"):
            message.set(name, (message.get(name) or "").replace(own.impu, other.impu))

    attack = attacker.respond(
        given, username=other.impi, alter=as_the_other, label="REGISTER in another's name, answering its own challenge"
    )
    expect(attack).refused(status=REFUSALS)
    alive(attacker.register(label="REGISTER in its own name again"))
    attacker.close()


@purpose("GM-AKA-14")
def test_identities_must_belong_together(bench: Bench) -> None:
    """A subscriber that authenticates as itself does not register another's public identity."""
    (own,) = bench.subscribers(1)
    other = bench.another_like(own)
    attacker = bench.stranger(own)
    control(attacker.register(label="REGISTER of its own identity")).accepted()
    attacker.deregister()

    def of_the_other(message: Message) -> None:
        for name in ("From", "To"):
            message.set(name, (message.get(name) or "").replace(own.impu, other.impu))

    attack = attacker.register(alter=of_the_other, label="REGISTER of another's identity")
    expect(attack).refused(status=[401, 403, 404])
    alive(attacker.register(label="REGISTER of its own identity again"))
    attacker.close()


@purpose("GM-AKA-15")
def test_the_keys_stay_in_the_network(bench: Bench) -> None:
    """Neither CK nor IK is in a challenge that reaches the UE."""
    ue = bench.ue(auth="aka", registered=False)
    done = ue.register()
    expect(done).holds("challenge-without-keys")
    alive(done)
    ue.close()


@purpose("GM-AKA-16")
def test_every_challenge_has_a_new_rand(bench: Bench) -> None:
    """Over a dozen challenges of one subscriber, no RAND comes twice."""
    ue = bench.ue(auth="aka", registered=False)
    asked = [ue.challenge(label=f"challenge {number}") for number in range(1, CHALLENGES + 1)]
    expect(asked[0]).that("rand-fresh", exchanges=[one.exchange for one in asked])
    ue.close()


@purpose("GM-AKA-17")
def test_resynchronisation_brings_a_new_vector(bench: Bench) -> None:
    """A UE whose SQN is ahead answers with AUTS, gets a challenge from a new vector, and registers."""
    ue = bench.ue(auth="aka", registered=False)
    control(ue.register(label="REGISTER with SQN in step")).accepted()
    ue.deregister()
    ue.credentials.usim.sqn += 1 << 16
    done = ue.register(label="REGISTER of a UE whose SQN is ahead")
    expect(done).holds("resynchronised")
    expect(done).accepted()
    alive(done)
    ue.close()


@purpose("GM-AKA-18")
def test_a_forged_auts_does_not_move_sqn(bench: Bench) -> None:
    """Somebody without the key cannot move the subscriber's SQN with an AUTS of its own making."""
    ue = bench.ue(auth="aka", registered=False)
    control(ue.register(label="REGISTER of the rightful subscriber")).accepted()
    ue.deregister()
    before = ue.challenge(label="challenge before")
    forged = base64.b64encode(secrets.token_bytes(14)).decode()
    attack = ue.respond(
        challenge_of(before),
        res=lambda _: b"",
        alter_credentials=lambda params: {**params, "auts": forged},
        label="REGISTER with a forged AUTS",
    )
    expect(attack).refused(status=REFUSALS)
    after = ue.challenge(label="challenge after")
    expect(after).that("sqn-went-on", before=before.exchange, after=after.exchange, most=DELTA)
    alive(ue.register(label="REGISTER of the rightful subscriber again"))
    ue.close()


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


@purpose("GM-AKA-21")
def test_an_answer_with_another_call_id_is_refused(bench: Bench) -> None:
    """The right answer, through the association, but with another Call-ID than the challenged REGISTER, is refused."""

    def attack(ue: Ue) -> Registration:
        given = challenge_of(ue.challenge(label="challenge to be answered in another call"))
        return ue.respond(
            given, alter=lambda m: m.set("Call-ID", secrets.token_hex(8)), label="REGISTER with another Call-ID"
        )

    answered_wrongly(bench, attack, ue=bench.secure_ue(registered=False))


@purpose("GM-AKA-22")
def test_an_older_register_changes_no_binding(bench: Bench) -> None:
    """A de-registration with a CSeq below the last one's leaves the contact bound, however well it is authenticated."""
    ue = bench.ue()
    reach = Reach(bench, ue)
    reach.shown(control, "before")
    given = ue.challenge(alter=lambda m: end_it(m, 1), label="old de-registration")
    if given.challenge is not None:
        ue.respond(given.challenge, alter=lambda m: end_it(m, 1), label="old de-registration, authenticated")
    reach.shown(expect, "after")
    alive(ue.register(label="REGISTER with the next CSeq"))
    ue.close()


def end_it(message: Message, cseq: int) -> None:
    """Make a de-registration with this CSeq of a REGISTER."""
    message.set("CSeq", f"{cseq} REGISTER")
    message.set("Expires", "0")


@purpose("GM-AKA-23")
def test_a_second_attempt_makes_the_first_challenge_void(bench: Bench) -> None:
    """When a UE begins its registration anew, the right answer to the challenge before is no longer accepted."""

    def attack(ue: Ue) -> Registration:
        first = challenge_of(ue.challenge(label="first attempt"))
        ue.challenge(label="second attempt")
        return ue.respond(first, label="REGISTER that answers the first attempt's challenge")

    answered_wrongly(bench, attack, auth="aka")


@purpose("GM-AKA-24")
def test_a_ue_cannot_claim_to_be_protected(bench: Bench) -> None:
    """An outsider that writes integrity-protected="yes" into its Authorization is challenged, and changes nothing."""
    ue = bench.ue()
    reach = Reach(bench, ue)
    reach.shown(control, "before")
    attacker = attacker_of(bench, ue)

    def claim(message: Message) -> None:
        credentials = (
            f'Digest username="{ue.subscriber.impi}", realm="{bench.gm.digest_realm}", uri="{bench.gm.registrar}",'
            ' nonce="", response="", integrity-protected="yes"'
        )
        message.set("Authorization", credentials)
        message.set("Expires", "0")
        message.set("Contact", f"<{ue.contact_uri}>")

    attack = attacker.challenge(alter=claim, label="de-registration that claims to be protected")
    expect(attack).refused(status=REFUSALS)
    alive(reach.shown(expect, "after"))
    ue.close()
