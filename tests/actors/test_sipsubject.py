"""What SIP actors hand back."""

from __future__ import annotations

from imsproof.actors.sipsubject import Challenge, Registration, SipAnswer
from imsproof.codec import sip
from imsproof.seams import Record, Subject


def test_answers_are_subjects_for_the_judge() -> None:
    assert isinstance(Registration(record=Record("T"), exchange="1:X"), Subject)


def test_headers_and_body_come_from_the_message() -> None:
    message = sip.Message.parse(b"SIP/2.0 200 OK\r\nX: y\r\n\r\nbody")
    answer = SipAnswer(record=Record("T"), exchange="1:X", status=200, message=message)
    assert (answer.ok, answer.header("x"), answer.body) == (True, "y", b"body")


def test_no_answer_has_no_headers() -> None:
    answer = SipAnswer(record=Record("T"), exchange="1:X", failed="silence")
    assert (answer.ok, answer.answered, answer.header("x"), answer.body) == (False, False, None, b"")


def test_a_challenge_without_algorithm_is_md5() -> None:
    assert (Challenge({"nonce": "n"}).algorithm, Challenge({"nonce": "n"}).nonce) == ("MD5", "n")
