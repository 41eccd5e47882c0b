"""SIP over streams: where a message ends beyond doubt, how a case is cut, and who is confused."""

from __future__ import annotations

import random
import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imsproof.actors.torturer import Torturer
from imsproof.codec.torture import Aim, framing, plain, rfc4475
from imsproof.fuzzing.gmstream import GmStream, answered, ends_plainly, written
from imsproof.fuzzing.strategies import valid_sip
from imsproof.fuzzing.watch import Condition, Watch
from imsproof.profile.gm import Gm

if TYPE_CHECKING:
    import socket

    from tests.conftest import Serve

    from imsproof.link.session import Session

GOOD = plain("OPTIONS", Aim(token="0" * 16))


def test_a_good_message_ends_plainly() -> None:
    assert ends_plainly(GOOD)
    assert ends_plainly(rfc4475.named("badvers")[0].message(Aim()).replace(b"SIP/7.0", b"SIP/2.0"))


@given(valid_sip())
def test_what_ends_plainly_has_one_length_that_is_right(data: bytes) -> None:
    if ends_plainly(data):
        head, _, body = data.partition(b"\r\n\r\n")
        assert re.findall(rb"(?im)^(?:content-length|l)[ \t]*:[ \t]*(\d+)", head) == [b"%d" % len(body)]


@pytest.mark.parametrize(
    "doubtful",
    [
        b"",
        GOOD[:-2],
        GOOD + b"x",
        GOOD.replace(b"Content-Length: 0", b"Content-Length: 00000"),
        GOOD.replace(b"Content-Length: 0\r\n", b""),
        GOOD.replace(b"Content-Length: 0", b"Content-Length: 0\r\nl: 0"),
        GOOD.replace(b"\r\nTo:", b"\nTo:"),
        GOOD.replace(b"\r\nTo:", b"\r\n folded\r\nTo:"),
        GOOD.replace(b"\r\nTo:", b"\r\nno colon\r\nTo:"),
        GOOD.replace(b"\r\nTo:", b"\r\nX: \0\r\nTo:"),
        GOOD.replace(b"SIP/2.0", b"HTTP/1.1", 1),
        b"".join(framing.UNDERSTOOD[1].parts(Aim(), Aim())),
        b"".join(framing.SMUGGLED[0].parts(Aim(), Aim())),
    ],
)
def test_what_leaves_a_doubt_is_not_judged(doubtful: bytes) -> None:
    assert not ends_plainly(doubtful)


@given(st.binary(max_size=2000))
def test_pieces_are_the_case_and_the_same_each_time(case: bytes) -> None:
    assert b"".join(written(case)) == case
    assert written(case) == written(case)


def test_an_answer_is_known_by_its_call_id_behind_others() -> None:
    def answer(status: int, call_id: bytes) -> bytes:
        return b"SIP/2.0 %d x\r\nCall-ID: %s\r\n\r\n" % (status, call_id)

    came = answer(400, b"other") + answer(100, b"ffff1") + answer(401, b"ffff1")
    assert answered(came, b"ffff1") == 401
    assert answered(came[:-2], b"ffff1") == 0
    assert answered(b"", b"ffff1") == 0


def answers(confused: bool) -> object:
    """Return a SIP server over TCP: it answers all good requests, or none behind one that has no From."""

    def serve(peer: socket.socket) -> None:
        kept, deaf = b"", False
        while data := peer.recv(65536):
            kept += data
            while b"\r\n\r\n" in kept:
                message, _, kept = kept.partition(b"\r\n\r\n")
                deaf = deaf or (confused and b"\r\nFrom:" not in message)
                call_id = re.search(rb"Call-ID: *([^\r\n]*)", message)
                status = b"200 OK" if b"\r\nFrom:" in message else b"400 Bad Request"
                if not deaf:
                    told = call_id[1] if call_id else b""
                    peer.sendall(b"SIP/2.0 %s\r\nCall-ID: %s\r\nContent-Length: 0\r\n\r\n" % (status, told))

    return serve


@pytest.mark.parametrize("confused", [False, True])
def test_only_a_confused_connection_is_told(session: Session, serve: Serve, confused: bool) -> None:
    where = serve(answers(confused))  # type: ignore[arg-type]
    gm = Gm.model_construct(**{**Gm(domain="ims.example").__dict__, "tcp": where})
    torturer = Torturer(session, gm, random.Random(1), transport="tcp")
    target = GmStream(torturer, "tcp", random.Random(1))
    assert Watch(target).begin().back
    spoiled = re.sub(rb"From:[^\r]*\r\n", b"", plain("OPTIONS", torturer.aim("OPTIONS")))
    reaction, health = target.fire([GOOD, spoiled])
    assert health.serves
    assert (health.breach is not None and health.breach.condition is Condition.CONFUSED) is confused
    assert reaction.statuses
