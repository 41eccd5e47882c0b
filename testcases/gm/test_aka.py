"""Registration with IMS AKA (TS 33.203 clause 6.1, TS 33.226 clause 4.2.2.2.1)."""

from __future__ import annotations

import base64
import secrets
from typing import TYPE_CHECKING

from imsproof.codec.sip import Message
from imsproof.gmsteps import REFUSALS, Reach, answered_wrongly, challenge_of, fail_authentication, refused_as_wrong
from imsproof.judge import alive, control, expect
from imsproof.purpose import purpose
from imsproof.seams import Kind

if TYPE_CHECKING:
    from imsproof.actors.sipsubject import Registration
    from imsproof.actors.ue import Ue
    from imsproof.bench import Bench

CHALLENGES = 12
CLAIMS = ("yes", "tls-yes", "ip-assoc-yes", "tls-connected", "auth-done")
"""What a P-CSCF or S-CSCF writes into integrity-protected of a request that it trusts (TS 24.229 7.2A.2, unchecked)."""
UNPROTECTED = (*REFUSALS, 400, 421, 494)
DELTA = 1 << 28
AHEAD = (1 << 16, 1 << 27)
"""How far the UE's SQN is ahead of the network's, and how far where that was not enough."""


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
    forged = base64.b64encode(secrets.token_bytes(14)).decode()
    spoilt = {"an empty response": {"response": ""}, "a forged AUTS": {"response": "", "auts": forged}}
    for told, params in spoilt.items() if ue.subscriber.auth == "aka" else ():
        asked = attacker.challenge(label=f"challenge to be answered with {told}")
        if asked.challenge is not None:
            label = f"REGISTER in its name with {told}"
            attacker.respond(asked.challenge, alter_credentials=lambda own, new=params: {**own, **new}, label=label)
    alive(reach.shown(expect, "after"))
    ue.close()


def attacker_of(bench: Bench, ue: Ue) -> Ue:
    """Somebody who speaks in the name of the same subscriber, from a socket of its own."""
    return bench.stranger(ue.subscriber)


def sent_authorization(registration: Registration) -> tuple[str, str]:
    """Name and value of the credentials in the last REGISTER of a registration, as they crossed the network."""
    name = registration.challenge.header if registration.challenge else "Authorization"
    for event in reversed(registration.record.events):
        if event.exchange == registration.exchange and event.kind is Kind.SENT:
            return name, Message.parse(event.data).get(name) or ""
    return name, ""


@purpose("GM-AKA-04")
def test_an_unprotected_register_is_always_challenged(bench: Bench) -> None:
    """A REGISTER without protection is challenged, also in the name of somebody who is registered already.

    So is one without any credentials, and one that ends the registration.
    """
    ue = bench.ue()
    attacker = attacker_of(bench, ue)
    again = attacker.challenge(label="unprotected REGISTER of a registered subscriber")
    expect(again).holds("challenged")
    expect(again).refused(status=[401])

    def ends(message: Message) -> None:
        message.set("Expires", "0")
        message.set("Contact", f"<{ue.contact_uri}>")

    bare = attacker.challenge(alter=lambda m: m.remove("Authorization"), label="REGISTER without Authorization")
    end = attacker.challenge(alter=ends, label="unprotected de-registration of a registered subscriber")
    for attack in (bare, end):
        expect(attack).refused(status=UNPROTECTED)
    alive(ue.register(label="REGISTER with the right response again"))
    ue.close()


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
    keys = {"CK": done.ck, "IK": done.ik} if done.ck else {}
    texts = {f"{name} {form}": text for name, key in keys.items() for form, text in written(key).items()}
    if texts:
        expect(done).that("never-told", actor=ue.actor, texts=texts)
    alive(done)
    ue.close()


def written(key: bytes) -> dict[str, str]:
    """A key as it may stand in a text: hexadecimal, and what is sure of it in base64, wherever it begins there."""
    found = {"in hexadecimal": key.hex()}
    for before in range(3):
        text = base64.b64encode(bytes(before) + key).decode().rstrip("=")
        found[f"in base64 ({before})"] = text[(0, 2, 3)[before] : -1]
    return found


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
    for ahead in AHEAD:  # some networks leap ahead by themselves
        ue.credentials.usim.sqn += ahead
        done = ue.register(label="REGISTER of a UE whose SQN is ahead")
        if done.resynchronised or not done.ok:
            break
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
    """Who writes integrity-protected (yes, tls-yes, ...) into its Authorization is challenged, and changes nothing."""
    ue = bench.ue()
    reach = Reach(bench, ue)
    reach.shown(control, "before")
    attacker = attacker_of(bench, ue)
    for claimed in CLAIMS:

        def claim(message: Message, claimed: str = claimed) -> None:
            credentials = (
                f'Digest username="{ue.subscriber.impi}", realm="{bench.gm.digest_realm}", uri="{bench.gm.registrar}",'
                f' nonce="", response="", integrity-protected="{claimed}"'
            )
            message.set("Authorization", credentials)
            message.set("Expires", "0")
            message.set("Contact", f"<{ue.contact_uri}>")

        attack = attacker.challenge(alter=claim, label=f"de-registration that claims to be protected ({claimed})")
        expect(attack).refused(status=REFUSALS)
    alive(reach.shown(expect, "after"))
    ue.close()
