"""XML in bodies: read when it is plain, refused when it has entities, depth or lies."""

from __future__ import annotations

import pytest

from imsproof.codec.sip import Message
from imsproof.codec.torture import Aim, ims
from imsproof.lab.sip import xmlguard
from imsproof.lab.sip.robustness import RobustPolicy

PLAIN = b"MESSAGE sip:a SIP/2.0\r\nContent-Type: application/pidf+xml\r\n\r\n<presence><a b='c'>d</a></presence>"


def test_plain_xml_and_other_bodies_are_read() -> None:
    assert xmlguard.is_sound(Message.parse(PLAIN), RobustPolicy())
    assert xmlguard.is_sound(Message.parse(PLAIN.replace(b"+xml", b"+json").replace(b"<", b"{")), RobustPolicy())


@pytest.mark.parametrize("case", ims.XML[:10], ids=lambda one: one.name)
def test_hostile_xml_is_refused(case: object) -> None:
    message = Message.parse(case.message(Aim()))  # type: ignore[attr-defined]
    assert not xmlguard.is_sound(message, RobustPolicy())


def test_a_careless_node_pays_for_what_entities_expand_to(monkeypatch: pytest.MonkeyPatch) -> None:
    paid: list[float] = []
    monkeypatch.setattr(xmlguard, "block", paid.append)
    careless = RobustPolicy(expands_entities=True)
    assert xmlguard.is_sound(Message.parse(ims.XML[0].message(Aim())), careless)
    assert xmlguard.is_sound(Message.parse(PLAIN), careless)
    assert paid[0] > 100
    assert paid[1] < 0.001
