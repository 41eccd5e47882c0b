"""What crosses the border of the trust domain."""

from __future__ import annotations

import pytest

from imsproof.codec.sip import Message, request
from imsproof.lab.sip import trust
from imsproof.lab.sip.bindings import Binding
from imsproof.lab.sip.policy import SipPolicy
from imsproof.lab.sip.transport import Flow

BINDING = Binding("sip:a@h", Flow("udp", ("h", 1)), ("sip:a@ims.example", "tel:+1"), (), 0.0)


def message(*headers: tuple[str, str]) -> Message:
    return request("INVITE", "sip:b@ims.example", [("From", "<sip:f@ims.example>;tag=1"), *headers])


@pytest.mark.parametrize("name", trust.NOT_FROM_UE)
def test_headers_of_the_network_are_taken_off(name: str) -> None:
    one = message((name, "x"))
    trust.take_from_ue(one, SipPolicy())
    assert one.get(name) is None
    two = message((name, "x"))
    trust.take_from_ue(two, SipPolicy(strip_asserted_identity=False))
    assert two.get(name) == "x"


def test_the_agreement_ends_at_the_p_cscf() -> None:
    one = message(("Require", "sec-agree, timer"), ("Proxy-Require", "sec-agree"), ("Security-Verify", "tls"))
    trust.take_from_ue(one, SipPolicy())
    assert (one.get("Require"), one.get("Proxy-Require"), one.get("Security-Verify")) == ("timer", None, None)


@pytest.mark.parametrize(
    ("preferred", "bindings", "asserted"),
    [
        ("<tel:+1>", [BINDING], "<tel:+1>"),
        ("<sip:x@ims.example>", [BINDING], "<sip:a@ims.example>"),
        ("<", [BINDING], "<sip:a@ims.example>"),
        ("", [], "<sip:f@ims.example>"),
    ],
)
def test_the_asserted_identity_is_a_registered_one(preferred: str, bindings: list[Binding], asserted: str) -> None:
    one = message(("P-Preferred-Identity", preferred)) if preferred else message()
    trust.assert_identity(one, bindings, SipPolicy())
    assert one.get_all("P-Asserted-Identity") == [asserted]
    assert one.get("P-Preferred-Identity") is None


@pytest.mark.parametrize(("privacy", "shown"), [("none", True), ("id", False), ("header;id", False), ("user", False)])
def test_privacy_hides_the_asserted_identity(privacy: str, shown: bool) -> None:
    one = message(("P-Asserted-Identity", "<sip:a@b>"), ("Privacy", privacy), ("P-Charging-Vector", "x"))
    trust.give_to_ue(one, SipPolicy())
    assert (one.get("P-Asserted-Identity") is not None) is shown
    assert one.get("P-Charging-Vector") is None
