"""What the P-CSCF learns from registrations."""

from __future__ import annotations

from imsproof.codec.sip import Message, request, response
from imsproof.lab.sip.bindings import Bindings
from imsproof.lab.sip.transport import Flow

FLOW = Flow("udp", ("192.0.2.1", 4000))
CONTACT = "sip:a@192.0.2.1:5080"


def register(contact: str = f"<{CONTACT}>") -> Message:
    return request("REGISTER", "sip:ims.example", [("Contact", contact)] if contact else [])


def accepted(*contacts: str, impu: str = "sip:a@ims.example") -> Message:
    headers = [("P-Associated-URI", f"<{impu}>"), ("Service-Route", "<sip:s;lr>")]
    return response(register(), 200, headers=[*headers, *(("Contact", contact) for contact in contacts)])


def test_a_registered_ue_sends_from_its_flow_and_from_its_contact() -> None:
    bindings = Bindings()
    bindings.learn(register(), FLOW, accepted(f"<{CONTACT}>;expires=60"))
    (binding,) = bindings.of_flow(FLOW)
    assert binding.impus == ("sip:a@ims.example",)
    assert binding.service_route == ("sip:s;lr",)
    assert bindings.of_flow(Flow("udp", ("192.0.2.1", 5080))) == [binding]
    assert bindings.of_flow(Flow("udp", ("192.0.2.1", 5081))) == []
    assert bindings.of_flow(Flow("tcp", ("192.0.2.1", 4000), 1)) == []


def test_a_contact_is_found_whatever_its_parameters_say() -> None:
    bindings = Bindings()
    bindings.learn(register(f"<{CONTACT};transport=tcp>"), FLOW, accepted(f"<{CONTACT};transport=tcp>;expires=60"))
    assert bindings.of_contact(CONTACT) is not None
    assert bindings.of_contact("sip:b@192.0.2.1:5080") is None
    assert bindings.of_contact("no uri") is None


def test_what_the_registrar_no_longer_lists_is_gone() -> None:
    bindings = Bindings()
    bindings.learn(register(), FLOW, accepted(f"<{CONTACT}>;expires=60"))
    bindings.learn(register(""), FLOW, accepted(impu="sip:other@ims.example"))
    assert bindings.of_contact(CONTACT)
    bindings.learn(register("*"), FLOW, accepted())
    assert bindings.of_contact(CONTACT) is None


def test_a_registration_ends_by_itself() -> None:
    bindings = Bindings()
    bindings.learn(register(), FLOW, accepted(f"<{CONTACT}>;expires=0"))
    assert bindings.of_flow(FLOW) == []
    bindings.clear()
