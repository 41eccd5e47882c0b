"""The security agreement with ipsec-3gpp (TS 33.203 clause 7.2, RFC 3329, TS 33.226 clauses 4.2.2.3.1 to 4.2.2.3.5)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from imsproof.actors.esptransport import Altered
from imsproof.actors.proposal import SUITES, Proposal, Suite, suite_of
from imsproof.actors.station import token
from imsproof.actors.ue import Ue
from imsproof.codec.secagree import SecMechanism
from imsproof.judge import alive, control, expect
from imsproof.purpose import purpose, purposes
from imsproof.seams import InconclusiveError

if TYPE_CHECKING:
    from collections.abc import Callable

    from imsproof.actors.secureue import SecureUe
    from imsproof.actors.sipsubject import Registration
    from imsproof.bench import Bench

    Relist = Callable[[list[SecMechanism]], list[SecMechanism]]

REFUSALS = (400, 403, 494)
"""A suitable 4xx (TS 33.226 4.2.2.3.2); 494 is RFC 3329's own."""
SERVED = (200, 202, 404, 405, 480, 486, 488, 501)
"""A registered UE's request was looked at, whatever became of it; 401, 403, 407 and 408 are not among them."""
WITHOUT_ENCRYPTION = (("hmac-sha-1-96", "null"),)
WITH_ENCRYPTION = tuple(one for one in SUITES if one not in WITHOUT_ENCRYPTION)
FORBIDDEN = (("hmac-md5-96", "des-ede3-cbc"), ("hmac-md5-96", "null"))


def agreeing(bench: Bench, suites: tuple[Suite, ...] = SUITES) -> tuple[SecureUe, Proposal]:
    """A UE, and the control: with what it offers usually, the network agrees."""
    ue = bench.secure_ue(registered=False)
    usual = ue.propose(suites, label="REGISTER with the usual offer")
    control(usual).holds("agreed")
    return ue, usual


def elsewhere(bench: Bench, ue: SecureUe) -> SecureUe:
    """The same subscriber at another port: from the same one, a network may take a REGISTER for the one before."""
    return bench.secure_ue(f"{ue.actor} elsewhere", subscriber=ue.subscriber, registered=False)


def serves_still(bench: Bench, *used: SecureUe) -> None:
    """The network still registers the same subscriber."""
    for ue in used:
        ue.close()
    again = elsewhere(bench, used[0])
    alive(again.register(label="REGISTER with the usual offer again"))
    again.close()


@purpose("GM-AGREE-01")
def test_the_network_s_own_priority_decides(bench: Bench) -> None:
    """Whatever the order of the UE's offer, the network chooses the same algorithms, and they work."""
    ue = bench.secure_ue(registered=False)
    other = elsewhere(bench, ue)
    orders = ((ue, SUITES), (other, tuple(reversed(SUITES))))
    asked = [who.propose(order, label=f"REGISTER offering {'/'.join(order[0])} first") for who, order in orders]
    for one in asked:
        control(one).holds("agreed")
    expect(asked[0]).that("same-choice", exchanges=[one.exchange for one in asked])
    serves_still(bench, ue, other)


def registered_nobody(bench: Bench, ue: SecureUe, attack: Registration) -> None:
    """After silence: the registration did not take place with its answer gone elsewhere, for the UE is not served."""
    if attack.status or attack.ok:
        return
    nobody = f"sip:nobody-{token(4)}@{bench.gm.domain}"  # is answered without the UE being called
    asked = ue.request("OPTIONS", nobody, label="request of the UE after that")
    expect(asked).refused(accept=(*SERVED, 604))


def moved(mechanisms: list[SecMechanism]) -> list[SecMechanism]:
    """The same list with other SPIs and ports."""
    return [
        replace(one, params={**one.params, "spi-s": "4711", "port-s": "47110"}) if one.name == "ipsec-3gpp" else one
        for one in mechanisms
    ]


def weakened(mechanisms: list[SecMechanism]) -> list[SecMechanism]:
    """The same list without encryption; what has none gets the weaker integrity."""
    weaker = dict.fromkeys(WITHOUT_ENCRYPTION, FORBIDDEN[-1])
    return [
        replace(one, params={**one.params, **_named(weaker.get(suite_of(one), WITHOUT_ENCRYPTION[0]))})
        if one.name == "ipsec-3gpp"
        else one
        for one in mechanisms
    ]


def _named(suite: Suite) -> dict[str, str | None]:
    return {"alg": suite[0], "ealg": suite[1]}


@dataclass(frozen=True)
class BiddingDown:
    """What somebody between UE and network changed: the UE's list, the network's, or both."""

    told: str
    client: Relist | None = None
    verify: Relist | None = None


@purposes(
    {
        "GM-AGREE-02": BiddingDown("another SPI and port of the UE", client=moved),
        "GM-AGREE-03": BiddingDown("other SPIs and ports of both sides", client=moved, verify=moved),
        "GM-AGREE-04": BiddingDown("another SPI and port of the network", verify=moved),
        "GM-AGREE-05": BiddingDown("another list of algorithms", verify=weakened),
        "GM-AGREE-06": BiddingDown("no Security-Verify", verify=lambda _: []),
    }
)
def test_bidding_down_is_noticed(bench: Bench, case: BiddingDown) -> None:
    """When the lists of the second REGISTER are not those of the first and its answer, nothing is set up."""
    ue, usual = agreeing(bench)
    attack = ue.confirm(usual, client=case.client, verify=case.verify, label=f"REGISTER with {case.told}")
    expect(attack).refused(status=REFUSALS)
    registered_nobody(bench, ue, attack)
    serves_still(bench, ue)


@purpose("GM-AGREE-07")
def test_no_association_without_encryption(bench: Bench) -> None:
    """A network whose policy asks for confidentiality agrees on nothing with a UE that offers integrity alone."""
    ue, _ = agreeing(bench)
    other = elsewhere(bench, ue)
    attack = other.propose(WITHOUT_ENCRYPTION, label="REGISTER offering integrity alone")
    expect(attack).holds("nothing-agreed")
    serves_still(bench, ue, other)


@purpose("GM-AGREE-08")
def test_forbidden_algorithms_set_up_nothing(bench: Bench) -> None:
    """HMAC-MD5-96 and DES-EDE3-CBC, which Annex H no longer has, set up no association."""
    ue, _ = agreeing(bench)
    for suite in FORBIDDEN:
        other = elsewhere(bench, ue)
        attack = other.propose([suite], label=f"REGISTER offering {'/'.join(suite)} alone")
        expect(attack).holds("nothing-agreed")
        other.close()
    serves_still(bench, ue)


@purpose("GM-AGREE-09")
def test_the_spis_of_both_sides_differ(bench: Bench) -> None:
    """The network chooses SPIs that are not the UE's, so that no packet can be sent back to where it came from."""
    ue = bench.secure_ue(registered=False)
    expect(ue.propose()).holds("spis-differ")
    ue.close()


@purpose("GM-AGREE-10")
def test_the_answer_must_come_through_the_association(bench: Bench) -> None:
    """After an agreement, the right answer to the challenge does not register the UE when it comes unprotected."""
    ue, usual = agreeing(bench)
    attack = ue.confirm(usual, protected=False, label="REGISTER with the right answer, unprotected")
    expect(attack).refused(status=(400, 401, 403, 494))
    registered_nobody(bench, ue, attack)
    serves_still(bench, ue)


@purpose("GM-AGREE-11")
def test_an_unknown_mechanism_sets_up_nothing(bench: Bench) -> None:
    """A UE that offers only a mechanism that nobody knows is refused, with 494 and the network's list."""
    ue, _ = agreeing(bench)
    unknown, other = [SecMechanism("x-imsproof", "0.9")], elsewhere(bench, ue)
    attack = other.propose(relist=lambda _: unknown, label="REGISTER offering an unknown mechanism alone")
    expect(attack).holds("nothing-agreed")
    expect(attack).refused(status=[494])
    if attack.challenge is not None:
        bid_down = other.confirm(attack, protected=False, label="the answer to that challenge, unprotected")
        expect(bid_down).refused(status=(421, 494))
    serves_still(bench, ue, other)


@purpose("GM-AGREE-12")
def test_one_ue_does_not_take_another_s_associations(bench: Bench) -> None:
    """A UE that names the SPIs and ports of another at the same address neither gets nor ends its associations."""
    first, second = bench.subscribers(2, auth="aka")
    victim = bench.secure_ue(subscriber=first)
    control(victim.probe("protected request before")).accepted(accept=SERVED)
    attacker = bench.secure_ue("ue-b", subscriber=second, registered=False)
    attacker.propose(own=victim.esp.agreed.own, label="REGISTER with the other's SPIs and ports")
    after = victim.probe("protected request after")
    expect(after).accepted(accept=SERVED)
    expect(after).holds("answered-protected")
    alive(after, accept=SERVED)
    victim.close()
    attacker.close()


def other_first(mechanisms: list[SecMechanism]) -> list[SecMechanism]:
    """The same list in the other order."""
    return list(reversed(mechanisms))


def weak_twin(mechanisms: list[SecMechanism]) -> list[SecMechanism]:
    """Each entry twice, the first time without encryption."""
    pairs = zip(weakened(mechanisms), mechanisms, strict=True)
    return [one for weak, right in pairs for one in ((weak, right) if weak is not right else (right,))]


def doubled(mechanisms: list[SecMechanism]) -> list[SecMechanism]:
    """The same list whose entries name their algorithms twice, first weak ones."""
    twice = {"alg": "hmac-sha-1-96;alg={alg}", "ealg": "null;ealg={ealg}"}
    return [
        replace(
            one,
            params={name: twice.get(name, str(value)).format(**{name: value}) for name, value in one.params.items()},
        )
        if one.name == "ipsec-3gpp"
        else one
        for one in mechanisms
    ]


@dataclass(frozen=True)
class Echoed:
    """How the UE repeats the network's list, and which algorithms a P-CSCF that goes by it would use."""

    told: str
    verify: Relist
    weak: tuple[str, str] | None = None


@purposes(
    {
        "GM-AGREE-13": Echoed("its entries in the other order", other_first),
        "GM-AGREE-14": Echoed("a weaker twin before each entry", weak_twin, WITHOUT_ENCRYPTION[0]),
        "GM-AGREE-15": Echoed("each algorithm twice, a weaker one first", doubled, WITHOUT_ENCRYPTION[0]),
    }
)
def test_what_the_ue_repeats_decides_nothing(bench: Bench, case: Echoed) -> None:
    """A Security-Verify that is not quite Security-Server is refused, or the agreed algorithms alone stay."""
    ue, usual = agreeing(bench, WITH_ENCRYPTION if case.weak else SUITES)
    entries = [one for one in usual.server if one.name == "ipsec-3gpp"]
    chosen = usual.chosen()
    others = [suite_of(one) for one in entries if chosen and suite_of(one) != suite_of(chosen)]
    weak = case.weak or (others[-1] if others else None)
    if weak is None:
        raise InconclusiveError("the network lists one entry of ipsec-3gpp, so that there is no other order")
    attack = ue.confirm(usual, verify=case.verify, label=f"REGISTER with {case.told} in Security-Verify")
    if attack.ok:
        association = replace(ue.esp.agreed, alg=weak[0], ealg=weak[1]).association(ue.esp.outgoing.spi)
        label = f"request with {'/'.join(weak)}, which was not agreed on"
        expect(ue.probe(label, Altered("other algorithms", association=association))).refused(accept=SERVED)
    else:
        expect(attack).refused(status=(400, 401, 403, 494))
    serves_still(bench, ue)


@purpose("GM-AGREE-16")
def test_who_requires_an_agreement_gets_one_or_nothing(bench: Bench) -> None:
    """A REGISTER that requires an agreement and lists nothing, as if the list had been lost, registers nobody."""
    ue, _ = agreeing(bench)
    other = elsewhere(bench, ue)
    asked = other.propose(relist=lambda _: [], label="REGISTER that requires an agreement and lists nothing")
    attack: Registration = asked
    if asked.challenge is not None:
        attack = other.confirm(asked, protected=False, label="the answer to that challenge, unprotected")
    expect(attack).refused(status=(421, 494))
    registered_nobody(bench, other, attack)
    serves_still(bench, ue, other)


@purpose("GM-AGREE-17")
def test_an_agreement_that_is_required_is_insisted_on(bench: Bench) -> None:
    """A subscriber whom the network serves with an agreement alone does not register without one (421)."""
    who = bench.subscribers(1, auth="aka", must_agree=True)[0]
    ue = bench.secure_ue(subscriber=who, registered=False)
    control(ue.register(label="REGISTER with an agreement")).accepted()
    ue.deregister()
    plain = Ue(bench.session, bench.gm, who, actor="ue-a without an agreement")
    expect(plain.register(label="REGISTER without an agreement")).refused(status=(421, 494))
    plain.close()
    serves_still(bench, ue)


MEDIA_SECURITY = SecMechanism("sdes-srtp", None, {"mediasec": None})


@purpose("GM-AGREE-18")
def test_media_security_is_no_choice_for_sip(bench: Bench) -> None:
    """An entry for media security beside ipsec-3gpp (TS 33.328) takes nothing from the agreement on ipsec-3gpp."""
    ue, _ = agreeing(bench)
    other = elsewhere(bench, ue)
    both = other.propose(relist=lambda given: [MEDIA_SECURITY, *given], label="REGISTER offering media security too")
    if expect(both).holds("agreed").held:
        expect(other.confirm(both, label="REGISTER that agrees")).accepted()
    serves_still(bench, ue, other)


@purpose("GM-AGREE-19")
def test_the_lists_stay_on_the_first_hop(bench: Bench) -> None:
    """What a UE and the P-CSCF agreed on, for SIP or for media, is not told to the far UE."""
    parties = bench.parties()
    usual = parties.call("INVITE without any list")
    control(usual).accepted()
    if usual.ok:
        usual.bye()
    listed = [("Security-Verify", str(MEDIA_SECURITY))]
    call = parties.call("INVITE with the list of an agreement", headers=listed)
    expect(call).that("headers-never-told", actor=parties.callee.actor, names=["Security-Verify"])
    alive(call)
    if call.ok:
        call.bye()
