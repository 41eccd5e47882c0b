"""Anonymous requests at the IMS AS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from imsproof.codec.sip import request
from imsproof.lab.sip import anonymity
from imsproof.lab.sip.policy import SipPolicy

if TYPE_CHECKING:
    from collections.abc import Callable

    Drive = Callable[..., None]
    Lab = Any

NAMED = [("From", "<sip:a@ims.example>;tag=1"), ("P-Asserted-Identity", "<sip:a@ims.example>")]


@pytest.mark.parametrize(
    ("headers", "anonymous"),
    [
        (NAMED, False),
        ([*NAMED, ("Privacy", "none")], False),
        ([*NAMED, ("Privacy", "critical; ID")], True),
        ([("From", f"{anonymity.ANONYMOUS};tag=1"), NAMED[1]], True),
        (NAMED[:1], True),
        ([("From", "<<"), NAMED[1]], False),
    ],
)
def test_who_is_anonymous(headers: list[tuple[str, str]], *, anonymous: bool) -> None:
    assert anonymity.is_anonymous(request("INVITE", "sip:b@ims.example", headers)) is anonymous


def test_anonymous_calls_are_refused_by_who_takes_none(drive: Drive) -> None:
    async def work(lab: Lab) -> None:
        caller, refusing = await lab.registered(1, 8)
        hidden = [("Privacy", "id")]
        assert (await caller.ask(caller.invite(refusing.impu, headers=hidden))).status == 433
        caller.send(caller.invite(refusing.impu))
        assert (await refusing.request()).method == "INVITE"
        lab.plant(refuse_anonymous=False)
        caller.send(caller.invite(refusing.impu, headers=hidden))
        assert (await refusing.request()).method == "INVITE"

    drive(work)


def test_the_service_calls_back_anonymously(drive: Drive) -> None:
    async def work(lab: Lab) -> None:
        (ue,) = await lab.registered(1)
        assert (await ue.ask(ue.write("MESSAGE", anonymity.CALLBACK))).status == 202
        back = await ue.request()
        assert (back.get("From") or "").startswith(anonymity.ANONYMOUS)
        assert back.get("P-Asserted-Identity") is None

    drive(work)


def test_the_planted_fault_names_the_service() -> None:
    back = anonymity.call_back("sip:a@x", "sip:s;lr", SipPolicy(anonymous_from=False))
    assert anonymity.CALLBACK in (back.get("From") or "")
