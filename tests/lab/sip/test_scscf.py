"""The S-CSCF's routing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from imsproof.codec.sip import request
from imsproof.lab.sip.scscf import asserted, route_uri

if TYPE_CHECKING:
    from collections.abc import Callable

    Drive = Callable[..., None]
    Lab = Any


def test_routes_are_loose() -> None:
    assert route_uri(("192.0.2.1", 5060)) == "sip:192.0.2.1:5060;lr"
    assert route_uri(("192.0.2.1", 5060), "orig") == "sip:orig@192.0.2.1:5060;lr"


def test_the_first_readable_asserted_identity_counts() -> None:
    message = request("INVITE", "sip:b", [("P-Asserted-Identity", '"x" <sip:A@Ims.Example;p=1>, <tel:+1>')])
    assert asserted(message) == "sip:A@ims.example"
    assert asserted(request("INVITE", "sip:b", [("P-Asserted-Identity", "<")])) is None


@pytest.mark.parametrize(
    "uri",
    [
        "sip:+49301000002@ims.example",
        "tel:+49-301-000002",
        "sip:+49301000002@ims.example;user=phone",
        "sips:+49301000002@ims.example",
    ],
)
def test_a_subscriber_is_reached_by_each_form_of_its_identity(drive: Drive, uri: str) -> None:
    async def work(lab: Lab) -> None:
        caller, called = await lab.registered(1, 2)
        caller.send(caller.write("MESSAGE", uri))
        arrived = await called.request()
        assert arrived.method == "MESSAGE"
        assert (arrived.get("P-Called-Party-ID") or "").strip("<>") in called.subscriber.impus

    drive(work)


def test_the_planted_fault_serves_outsiders(drive: Drive) -> None:
    async def work(lab: Lab) -> None:
        (called,) = await lab.registered(2)
        lab.plant(trust_peers_only=False)
        outsider = await lab.ue(1)
        identity = [("P-Asserted-Identity", f"<{called.impu}>")]
        outsider.send(outsider.write("MESSAGE", called.impu, identity), lab.scscf)
        assert (await called.request()).method == "MESSAGE"

    drive(work)


def test_registration_states_are_notified_to_their_owner_only(drive: Drive) -> None:
    async def work(lab: Lab) -> None:
        ue, other = await lab.registered(1, 2)
        assert (await ue.ask(ue.write("SUBSCRIBE", ue.impu, [("Event", "reg")]))).status == 200
        told = await ue.request()
        assert told.method == "NOTIFY"
        assert ue.contact.strip("<>").encode() in told.body
        assert ue.subscriber.impi.encode() not in told.body
        assert (await other.ask(other.write("SUBSCRIBE", ue.impu, [("Event", "reg")]))).status == 403

    drive(work)
