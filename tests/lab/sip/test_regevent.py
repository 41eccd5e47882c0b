"""Documents of registration states."""

from __future__ import annotations

import time
from xml.etree import ElementTree as ET

from imsproof.codec.sip import request
from imsproof.lab.sip import regevent
from imsproof.lab.sip.policy import SipPolicy
from imsproof.lab.sip.registrar import Contact, Registration
from imsproof.lab.sip.subscribers import SUBSCRIBERS

ONE = SUBSCRIBERS[0]
SPACE = "{urn:ietf:params:xml:ns:reginfo}"


def registration() -> Registration:
    uri = "sip:a&b@192.0.2.1"
    return Registration(ONE, {uri: Contact(uri, [], time.monotonic() + 60)})


def test_the_document_names_identities_and_contacts_and_its_ids_say_nothing() -> None:
    body = regevent.document(registration(), SipPolicy())
    tree = ET.fromstring(body)
    entries = tree.findall(f"{SPACE}registration")
    assert [one.get("aor") for one in entries] == list(ONE.impus)
    assert entries[0].findtext(f"{SPACE}contact/{SPACE}uri") == "sip:a&b@192.0.2.1"
    assert ONE.impi.encode() not in body
    assert len({one.get("id") for one in entries}) == len(ONE.impus)


def test_the_planted_fault_makes_ids_of_the_private_identity() -> None:
    assert ONE.impi.encode() in regevent.document(registration(), SipPolicy(opaque_reginfo=False))


def test_the_notification_stays_within_the_subscription() -> None:
    headers = [
        ("Record-Route", "<sip:p;lr>"),
        ("From", "<sip:a@x>;tag=1"),
        ("To", "<sip:a@x>"),
        ("Call-ID", "c"),
        ("CSeq", "1 SUBSCRIBE"),
        ("Contact", "<sip:a@192.0.2.1:5070>"),
    ]
    notify = regevent.notification(request("SUBSCRIBE", "sip:a@x", headers), "n", b"x", "sip:s")
    assert (notify.method, notify.uri) == ("NOTIFY", "sip:a@192.0.2.1:5070")
    assert (notify.get("From"), notify.get("To")) == ("<sip:a@x>;tag=n", "<sip:a@x>;tag=1")
    assert (notify.get("Call-ID"), notify.values("Route"), notify.body) == ("c", ["<sip:p;lr>"], b"x")
