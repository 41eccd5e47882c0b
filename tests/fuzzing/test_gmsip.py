"""SIP over UDP: what is sent, what an answer is, and which answers to a good request mean that something is wrong."""

from __future__ import annotations

import random
from contextlib import closing
from typing import TYPE_CHECKING

from tests.actors.conftest import peer  # noqa: F401 - a fixture

from imsproof.codec import sip
from imsproof.codec.torture import Aim
from imsproof.fuzzing.gmsip import GmSip, final_status, signature
from imsproof.fuzzing.target import MARK

if TYPE_CHECKING:
    from tests.actors.conftest import SipPeer

    from imsproof.link.session import Session


def gm_sip(session: Session, peer: SipPeer, **more: object) -> GmSip:  # noqa: F811
    return GmSip(session, peer.address, lambda _: Aim(), random.Random(1), within=1.0, **more)  # type: ignore[arg-type]


def test_the_usual_corpus_has_places_for_tokens(session: Session, peer: SipPeer) -> None:  # noqa: F811
    with closing(gm_sip(session, peer)) as target:
        corpus = target.corpus
    assert len(corpus) > 100
    assert sum(MARK.encode() in one for one in corpus) > 0.9 * len(corpus)


def test_a_signature_is_status_reason_header_names_and_length() -> None:
    assert signature(b"SIP/2.0 200 OK 7\r\nCall-ID: a\r\nTo: b\r\n\r\n") == (b"a", "200 OK 0; call-id,to; 6")
    assert signature(b"\x00\xff")[0] == b""


def test_a_user_agent_that_takes_no_register_is_asked_with_options(session: Session, peer: SipPeer) -> None:  # noqa: F811
    peer.handler = lambda m: [] if m.method == "REGISTER" else [sip.response(m, 200).to_bytes()]
    with closing(gm_sip(session, peer)) as target:
        assert target.probe().serves
        assert target.good().startswith(b"OPTIONS ")


def test_an_answer_that_blames_a_good_request_is_not_service_unless_it_was_so_at_first(
    session: Session,
    peer: SipPeer,  # noqa: F811
) -> None:
    status = 401
    peer.handler = lambda m: [sip.response(m, status).to_bytes()]
    with closing(gm_sip(session, peer)) as target:
        assert target.probe().serves
        status = 500
        health = target.probe()
        assert (health.serves, health.status) == (False, 500)
        status = 404
        assert target.probe().serves


def test_only_the_final_answer_to_the_question_counts() -> None:
    answer = b"SIP/2.0 401 Unauthorized\r\nCall-ID: abc\r\n\r\n"
    assert final_status(answer, b"abc") == 401
    assert final_status(answer, b"other") == final_status(answer.replace(b"401", b"100"), b"abc") == 0
