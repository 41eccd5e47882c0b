"""Drafts and edits: what an edit changes, and that nothing else changes."""

from __future__ import annotations

from imsproof.codec.sip import Message
from imsproof.codec.torture import Aim, Kind, Reaction, plain
from imsproof.codec.torture.draft import body, case, drop, header, length, line, rewrite, start, tail

AIM = Aim()


def written(*edits: object, method: str = "REGISTER") -> Message:
    made = case("x", "RFC 3261", "", Kind.INVALID, method, *edits)  # type: ignore[arg-type]
    return Message.parse(made.message(AIM))


def test_a_plain_message_is_well_formed_and_for_its_aim() -> None:
    message = Message.parse(plain("REGISTER", AIM))
    assert (message.method, message.uri, message.get("Call-ID")) == ("REGISTER", AIM.registrar, AIM.token)
    assert Message.parse(plain("INVITE", AIM)).uri == AIM.callee


def test_edits_change_what_they_name() -> None:
    message = written(header("To", "<$callee>"), line("X: $domain"), drop("Contact"), body("$user", "text/plain"))
    assert (message.get("To"), message.get("X")) == (f"<{AIM.callee}>", "ims.example")
    assert message.get("Contact") is None
    assert message.body == AIM.user.encode()
    assert message.get("Content-Length") == str(len(AIM.user))


def test_start_line_length_and_tail_may_lie() -> None:
    message = written(start("$method $uri SIP/7.0"), length("-1"), tail("more"), rewrite("CSeq", str.upper))
    assert message.version == "SIP/7.0"
    assert message.get("Content-Length") == "-1"
    assert message.body == b"more"


def test_a_case_can_be_carried_by_another_method() -> None:
    made = case("x", "RFC 3261", "", Kind.INVALID, "INVITE", header("CSeq", "8 $method"))
    assert Message.parse(made.message(AIM, "REGISTER")).get("CSeq") == "8 REGISTER"


def test_the_kind_says_what_a_role_may_do() -> None:
    assert case("x", "", "", Kind.VALID, "INVITE").proxy == {Reaction.PROCESS}
    assert Reaction.PROCESS not in case("x", "", "", Kind.INVALID, "INVITE").ue
