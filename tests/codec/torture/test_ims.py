"""What IMS adds: every case is one anomaly in a message that is otherwise whole."""

from __future__ import annotations

from imsproof.codec.sip import Message
from imsproof.codec.torture import Aim, ims, plain


def test_names_are_unique_and_messages_differ_from_the_plain_one() -> None:
    assert len({one.name for one in ims.ALL}) == len(ims.ALL)
    assert all(one.message(Aim()) != plain(one.method, Aim()) for one in ims.ALL)


def test_what_routes_and_matches_a_message_stays_right() -> None:
    for one in ims.ALL:
        message = Message.parse(one.message(Aim()))
        assert message.get("Call-ID") == Aim().token
        assert message.get("Content-Length") == str(len(message.body)), one.name


def test_xml_bodies_say_that_they_are_xml() -> None:
    assert all("+xml" in (Message.parse(one.message(Aim())).get("Content-Type") or "") for one in ims.XML)
