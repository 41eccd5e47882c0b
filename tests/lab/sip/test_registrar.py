"""Registration over real sockets: IMS AKA, digest, and what must not be accepted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from imsproof.codec import aka, sip
from imsproof.codec.digest import Digest
from imsproof.codec.milenage import Milenage
from imsproof.lab.sip.subscribers import DOMAIN

if TYPE_CHECKING:
    from collections.abc import Callable

    Drive = Callable[..., None]
    Lab = Any


def test_an_aka_subscriber_registers_and_learns_its_routes_and_identities(drive: Drive) -> None:
    async def work(lab: Lab) -> None:
        ue = await lab.ue(1)
        accepted = await ue.register()
        assert accepted.values("Service-Route") == [f"<sip:orig@{lab.prefix}.20:5060;lr>"]
        assert accepted.values("P-Associated-URI") == [f"<{impu}>" for impu in ue.subscriber.impus]
        assert "expires=600" in (accepted.get("Contact") or "")

    drive(work)


def test_the_challenge_holds_rand_and_autn_but_no_keys(drive: Drive) -> None:
    async def work(lab: Lab) -> None:
        ue = await lab.ue(1)
        challenge = await ue.ask(ue.register_request())
        _, params = sip.parse_challenge(challenge.get("WWW-Authenticate"))
        assert params["algorithm"] == "AKAv1-MD5"
        assert not {"ck", "ik"} & set(params)
        rand, autn, _ = aka.decode_nonce(params["nonce"])
        aka.answer_challenge(Milenage(ue.subscriber.k, opc=ue.subscriber.opc), rand, autn, -1)
        lab.plant(strip_keys=False)
        leaking = await ue.ask(ue.register_request())
        assert {"ck", "ik"} <= set(sip.parse_challenge(leaking.get("WWW-Authenticate"))[1])

    drive(work)


@pytest.mark.parametrize("number", [13, 14])
def test_a_digest_subscriber_registers_and_the_network_proves_itself(drive: Drive, number: int) -> None:
    async def work(lab: Lab) -> None:
        ue = await lab.ue(number)
        accepted = await ue.register()
        assert "rspauth=" in (accepted.get("Authentication-Info") or "")

    drive(work)


@pytest.mark.parametrize("number", [1, 13])
def test_a_wrong_answer_is_refused_and_a_registration_stays(drive: Drive, number: int) -> None:
    async def work(lab: Lab) -> None:
        (ue,) = await lab.registered(number)
        stranger = await lab.ue(number)
        challenge = await stranger.ask(stranger.register_request())
        wrong = stranger.credentials(challenge, change=lambda res: bytes(len(res)))
        assert (await stranger.ask(stranger.register_request(wrong))).status == 403
        assert lab.nodes.scscf.registrar.registered(ue.impu)
        lab.plant(keep_registration_on_failure=False)
        challenge = await stranger.ask(stranger.register_request())
        wrong = stranger.credentials(challenge, change=lambda res: bytes(len(res)))
        assert (await stranger.ask(stranger.register_request(wrong))).status == 403
        assert lab.nodes.scscf.registrar.registered(ue.impu) is None

    drive(work)


def test_an_answer_is_good_once(drive: Drive) -> None:
    async def work(lab: Lab) -> None:
        ue = await lab.ue(1)
        challenge = await ue.ask(ue.register_request())
        credentials = ue.credentials(challenge)
        assert (await ue.ask(ue.register_request(credentials))).status == 200
        assert (await ue.ask(ue.register_request(credentials))).status == 401

    drive(work)


@pytest.mark.parametrize(
    "over", [{"uri": "sip:other.example"}, {"algorithm": "MD5"}, {"algorithm": "AKAv2-MD5"}, {"algorithm": "unknown"}]
)
def test_an_answer_for_another_uri_or_algorithm_is_refused(drive: Drive, over: dict[str, str]) -> None:
    async def work(lab: Lab) -> None:
        ue = await lab.ue(1)
        challenge = await ue.ask(ue.register_request())
        if over.get("algorithm") == "unknown":
            credentials = ue.credentials(challenge).replace("AKAv1-MD5", "unknown")
        else:
            credentials = ue.credentials(challenge, **over)
        assert (await ue.ask(ue.register_request(credentials))).status == 403

    drive(work)


def test_a_stranger_s_attempt_does_not_discard_the_challenge_that_waits(drive: Drive) -> None:
    async def work(lab: Lab) -> None:
        ue, stranger = await lab.ue(1), await lab.ue(1)
        challenge = await ue.ask(ue.register_request())
        assert (await stranger.ask(stranger.register_request())).status == 401
        assert (await ue.ask(ue.register_request(ue.credentials(challenge)))).status == 200

    drive(work)


def test_a_second_attempt_of_the_same_ue_discards_the_first(drive: Drive) -> None:
    async def work(lab: Lab) -> None:
        ue = await lab.ue(1)
        first = await ue.ask(ue.register_request())
        assert (await ue.ask(ue.register_request())).status == 401
        assert (await ue.ask(ue.register_request(ue.credentials(first)))).status == 401

    drive(work)


def test_another_subscriber_s_public_identity_is_refused(drive: Drive) -> None:
    async def work(lab: Lab) -> None:
        ue, other = await lab.ue(1), await lab.ue(2)
        challenge = await ue.ask(ue.register_request(ue_auth(ue), To=f"<{other.impu}>"))
        request = ue.register_request(ue.credentials(challenge), To=f"<{other.impu}>")
        assert (await ue.ask(request)).status == 403
        assert lab.nodes.scscf.registrar.registered(other.impu) is None

    drive(work)


def ue_auth(ue: Any) -> str:
    params = {"username": ue.subscriber.impi, "realm": DOMAIN, "uri": f"sip:{DOMAIN}", "nonce": "", "response": ""}
    return sip.format_credentials("Digest", params)


def test_somebody_unknown_is_challenged_like_anybody_and_never_accepted(drive: Drive) -> None:
    async def work(lab: Lab) -> None:
        ue = await lab.ue(1)
        unknown = sip.format_credentials("Digest", {"username": f"nobody@{DOMAIN}", "response": ""})
        challenge = await ue.ask(ue.register_request(unknown, To=f"<sip:nobody@{DOMAIN}>"))
        assert challenge.status == 401
        _, params = sip.parse_challenge(challenge.get("WWW-Authenticate"))
        digest = Digest("AKAv1-MD5", f"nobody@{DOMAIN}", DOMAIN, bytes(8), "REGISTER", f"sip:{DOMAIN}", params["nonce"])
        fields = {"username": f"nobody@{DOMAIN}", "realm": DOMAIN, "uri": f"sip:{DOMAIN}", "nonce": params["nonce"]}
        fields |= {"algorithm": "AKAv1-MD5", "response": digest.response()}
        answer = await ue.ask(
            ue.register_request(sip.format_credentials("Digest", fields), To=f"<sip:nobody@{DOMAIN}>")
        )
        assert answer.status == 403

    drive(work)


def test_auts_moves_the_sequence_number_and_a_forged_one_does_not(drive: Drive) -> None:
    async def work(lab: Lab) -> None:
        ue = await lab.ue(1)
        functions = Milenage(ue.subscriber.k, opc=ue.subscriber.opc)

        async def with_auts(sqn: int, spoil: int) -> sip.Message:
            challenge = await ue.ask(ue.register_request())
            _, params = sip.parse_challenge(challenge.get("WWW-Authenticate"))
            rand, _, _ = aka.decode_nonce(params["nonce"])
            auts = bytearray(aka.make_auts(functions, rand, sqn))
            auts[-1] ^= spoil
            credentials = ue.credentials(challenge) + f', auts="{aka.encode_auts(bytes(auts))}"'
            answer: sip.Message = await ue.ask(ue.register_request(credentials))
            return answer

        hss = lab.nodes.scscf.registrar.hss
        before = hss.sqn(ue.subscriber.impi)
        assert (await with_auts(1 << 20, 1)).status == 403
        assert hss.sqn(ue.subscriber.impi) < before + 100
        fresh = await with_auts(1 << 20, 0)
        assert fresh.status == 401
        assert hss.sqn(ue.subscriber.impi) > 1 << 20
        assert (await ue.ask(ue.register_request(ue.credentials(fresh)))).status == 200

    drive(work)


def test_expires_zero_ends_the_registration(drive: Drive) -> None:
    async def work(lab: Lab) -> None:
        (ue,) = await lab.registered(1)
        challenge = await ue.ask(ue.register_request())
        request = ue.register_request(ue.credentials(challenge))
        request.set("Expires", "0")
        assert (await ue.ask(request)).status == 200
        assert lab.nodes.scscf.registrar.registered(ue.impu) is None
        assert (await ue.ask(ue.invite(ue.impu))).status == 403

    drive(work)


def test_too_short_a_registration_is_refused_with_the_least_time(drive: Drive) -> None:
    async def work(lab: Lab) -> None:
        ue = await lab.ue(1)
        challenge = await ue.ask(ue.register_request())
        request = ue.register_request(ue.credentials(challenge))
        request.set("Expires", "1")
        answer = await ue.ask(request)
        assert (answer.status, answer.get("Min-Expires")) == (423, "2")

    drive(work)


def test_planted_faults_of_authentication(drive: Drive) -> None:
    async def work(lab: Lab) -> None:
        ue = await lab.ue(1)
        lab.plant(autn_valid=False)
        challenge = await ue.ask(ue.register_request())
        with pytest.raises(aka.MacError):
            ue.credentials(challenge)
        lab.plant(autn_valid=True, check_response=False)
        challenge = await ue.ask(ue.register_request())
        wrong = ue.credentials(challenge, change=lambda res: bytes(len(res)))
        assert (await ue.ask(ue.register_request(wrong))).status == 200
        lab.plant(check_response=True, challenge_register=False)
        assert (await ue.ask(ue.register_request())).status == 200

    drive(work)


def test_a_used_nonce_is_stale_to_who_answers_rightly(drive: Drive) -> None:
    async def work(lab: Lab) -> None:
        ue = await lab.ue(13)
        challenge = await ue.ask(ue.register_request())
        right = ue.credentials(challenge)
        assert (await ue.ask(ue.register_request(right))).status == 200

        async def stale(credentials: str) -> str | None:
            answer = await ue.ask(ue.register_request(credentials))
            assert answer.status == 401
            return sip.parse_challenge(answer.get("WWW-Authenticate") or "")[1].get("stale")

        wrong = ue.credentials(challenge, change=lambda password: password + b"x")
        assert (await stale(right), await stale(wrong)) == ("true", None)
        lab.plant(stale_when_right=False)
        challenge = await ue.ask(ue.register_request())
        assert await stale(ue.credentials(challenge, change=lambda password: password + b"x")) == "true"

    drive(work)
