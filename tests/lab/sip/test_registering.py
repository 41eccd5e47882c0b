"""The P-CSCF in a registration: the security agreement, who must agree, and a Path of the UE's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from imsproof.codec import secagree, sip

if TYPE_CHECKING:
    from collections.abc import Callable

    Drive = Callable[..., None]
    Lab = Any


def agreement(alg: str = "hmac-sha-1-96") -> str:
    return f"ipsec-3gpp;alg={alg};ealg=aes-cbc;spi-c=1;spi-s=2;port-c=3;port-s=4"


def asking(message: sip.Message, client: str, verify: str = "") -> sip.Message:
    message.add("Require", "sec-agree")
    message.add("Proxy-Require", "sec-agree")
    message.add("Security-Client", client)
    if verify:
        message.add("Security-Verify", verify)
    return message


def test_security_agreement_is_answered_and_wants_a_protected_answer(drive: Drive) -> None:
    async def work(lab: Lab) -> None:
        ue = await lab.ue(1)
        challenge = await ue.ask(asking(ue.register_request(), agreement()))
        server = challenge.get("Security-Server") or ""
        names = [entry.name for entry in secagree.parse_mechanisms([server])]
        assert names == ["ipsec-3gpp", "ipsec-3gpp", "tls"]
        refused = await ue.ask(asking(ue.register_request(ue.credentials(challenge)), agreement(), server))
        assert refused.status == 494
        lab.plant(require_protected_answer=False)
        challenge = await ue.ask(asking(ue.register_request(), agreement()))
        server = challenge.get("Security-Server") or ""
        accepted = await ue.ask(asking(ue.register_request(ue.credentials(challenge)), agreement(), server))
        assert accepted.status == 200

    drive(work)


@pytest.mark.parametrize("client", ["", agreement("hmac-md5-96"), "digest", ";q=1"])
def test_no_common_mechanism_is_494_with_the_list(drive: Drive, client: str) -> None:
    async def work(lab: Lab) -> None:
        ue = await lab.ue(1)
        request = ue.register_request()
        request.add("Require", "sec-agree")
        if client:
            request.add("Security-Client", client)
        answer = await ue.ask(request)
        assert answer.status == 494
        assert answer.get("Security-Server")

    drive(work)


def test_who_must_agree_is_refused_without_an_agreement(drive: Drive) -> None:
    async def work(lab: Lab) -> None:
        ue = await lab.ue(15)
        request = ue.register_request(
            f'Digest username="{ue.subscriber.impi}", realm="ims.example", nonce="", response=""'
        )
        answer = await ue.ask(request)
        assert (answer.status, answer.get("Require")) == (421, "sec-agree")
        lab.plant(require_agreement=False)
        assert (await ue.ask(ue.register_request())).status == 401

    drive(work)


def test_a_path_of_the_ue_s_own_does_not_go_on(drive: Drive) -> None:
    async def work(lab: Lab) -> None:
        ue = await lab.ue(1)
        for policy, count in ((True, 1), (False, 2)):
            lab.plant(drop_ue_path=policy)
            challenge = await ue.ask(ue.register_request())
            request = ue.register_request(ue.credentials(challenge))
            request.add("Path", "<sip:192.0.2.1;lr>")
            assert len((await ue.ask(request)).values("Path")) == count

    drive(work)
