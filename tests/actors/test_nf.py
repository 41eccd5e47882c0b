"""The NF consumer against the reference lab and against servers of the tests' own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.actors.keyed import keyed
from tests.conftest import kinds

from imsproof.actors.nf import NfConsumer
from imsproof.actors.producerclient import ProducerClient
from imsproof.profile.sbi import Sbi
from imsproof.seams import HarnessError, Kind

if TYPE_CHECKING:
    import socket
    from pathlib import Path

    from tests.conftest import Serve

    from imsproof.link.session import Session
    from imsproof.profile.sbi import Producer


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
def test_a_handshake_with_the_authorised_certificate(consumer: NfConsumer, producer: Producer, version: str) -> None:
    attempt = consumer.handshake(producer, version, minimum=version, maximum=version)
    assert attempt.connected
    assert attempt.facts["version"] == version
    assert attempt.failed == ""


def test_a_handshake_with_an_old_version_is_refused_by_an_alert(consumer: NfConsumer, producer: Producer) -> None:
    attempt = consumer.handshake(producer, "TLSv1.1", minimum="TLSv1", maximum="TLSv1.1")
    assert not attempt.connected
    assert "protocol_version" in attempt.failed


def test_a_late_refusal_of_the_certificate_is_seen(consumer: NfConsumer, producer: Producer) -> None:
    """A TLS 1.3 server refuses the certificate after the handshake; the alert is in the journal each time."""
    nobody = NfConsumer(consumer.session, consumer.sbi, consumer.identity.without_certificate())
    assert "certificate_required" in nobody.handshake(producer, "no certificate").failed
    for _ in range(3):
        answer = nobody.call(producer, "GET", "/", label="request without certificate")
        assert answer.failed
        assert Kind.ALERT in kinds(consumer.session, answer.exchange)


def test_a_producer_that_is_not_there_is_an_answer_with_a_reason(session: Session, tmp_path: Path) -> None:
    consumer = NfConsumer(session, keyed(tmp_path))
    answer = consumer.call(consumer.sbi.producers[0], "GET", "/x")
    assert "refused" in answer.failed
    assert kinds(session) == [Kind.REFUSED]


def test_a_token_from_a_file_is_taken_as_it_is(session: Session, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("a.b.c\n", encoding="ascii")
    sbi = Sbi.model_validate(
        {
            "producers": [{"name": "mf", "url": "http://127.0.0.1:9"}],
            "tokens": {"from": "file", "file": str(file)},
        }
    )
    assert NfConsumer(session, sbi).token(sbi.producers[0]).token == "a.b.c"


def test_no_way_to_have_tokens_is_named(session: Session) -> None:
    sbi = Sbi.model_validate({"producers": [{"name": "mf", "url": "http://127.0.0.1:9"}]})
    with pytest.raises(HarnessError, match=r"sbi\.tokens"):
        NfConsumer(session, sbi).token(sbi.producers[0])
    with pytest.raises(HarnessError, match="probe"):
        ProducerClient(NfConsumer(session, sbi), sbi.producers[0]).probe()


def test_a_front_without_http2_is_asked_in_http_1_1(session: Session, serve: Serve) -> None:
    got: list[bytes] = []

    def front(connection: socket.socket) -> None:
        got.append(connection.recv(4096))
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    host, port = serve(front)
    sbi = Sbi.model_validate({"producers": [{"name": "f", "url": f"http://{host}:{port}", "http": "1.1"}]})
    answer = NfConsumer(session, sbi).call(sbi.producers[0], "GET", "/probe", token="t")
    assert (answer.status, answer.body) == (200, b"ok")
    assert got[0].startswith(b"GET /probe HTTP/1.1\r\n")
    assert b"authorization: Bearer t" in got[0]


def test_a_server_that_asks_to_wait_is_asked_again(session: Session, serve: Serve) -> None:
    answers = [b"HTTP/1.1 429 Slow\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n"] * 2
    answers.append(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    def handle(peer: socket.socket) -> None:
        peer.recv(65536)
        peer.sendall(answers.pop(0))

    address = serve(handle)
    sbi = Sbi.model_validate({"producers": [{"name": "f", "url": f"http://{address[0]}:{address[1]}", "http": "1.1"}]})
    answer = NfConsumer(session, sbi).call(sbi.producers[0], "GET", "/")
    assert answer.status == 200
    assert not answers
