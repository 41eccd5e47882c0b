"""The NF consumer: against the reference lab, and with a key of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from tests.conftest import kinds

from imsproof.actors.nf import NfConsumer, NfIdentity, ProducerClient, encoded, full_path, seconds_asked_for
from imsproof.codec import jose
from imsproof.link.subject import HttpAnswer
from imsproof.profile.sbi import Sbi
from imsproof.seams import HarnessError, Kind

if TYPE_CHECKING:
    import socket
    from pathlib import Path

    from tests.conftest import Serve

    from imsproof.link.session import Session
    from imsproof.profile import Profile
    from imsproof.profile.sbi import Producer


@pytest.fixture
def consumer(lab: Session, reference: Profile) -> NfConsumer:
    """The authorised consumer of the reference lab."""
    assert reference.sbi
    return NfConsumer(lab, reference.sbi)


@pytest.fixture
def producer(consumer: NfConsumer) -> Producer:
    """The MF of the reference lab."""
    found = consumer.sbi.producer("nmf-mrm")
    assert found
    return found


def keyed(tmp_path: Path, **tokens: str) -> Sbi:
    """A producer alone on a bench, with a signing key that it trusts."""
    key = ec.generate_private_key(ec.SECP256R1())
    file = tmp_path / "token.pem"
    file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return Sbi.model_validate(
        {
            "producers": [
                {"name": "mf", "url": "http://127.0.0.1:9/root", "nf_type": "MF", "apis": ["nmf-mrm"]},
            ],
            "tokens": {"from": "key", "key": str(file), "algorithm": "ES256", "issuer": "i", **tokens},
        }
    )


def test_a_token_of_the_nrf_opens_the_producer(consumer: NfConsumer, producer: Producer) -> None:
    client = ProducerClient(consumer, producer)
    token = client.token(source="nrf")
    assert jose.parse_unverified(token.token).claims["aud"] == "MF"
    answer = client.probe(token)
    assert answer.status in (answer.accept or ())
    assert client.created
    client.release(token)
    assert client.created == []


def test_without_a_token_the_producer_refuses(consumer: NfConsumer, producer: Producer) -> None:
    client = ProducerClient(consumer, producer)
    assert client.probe(label="no token").status == 401
    assert client.created == []


def test_the_form_of_a_token_request_can_be_changed(consumer: NfConsumer, producer: Producer) -> None:
    other = {"nfInstanceId": "6d0f1c1e-0000-4000-8000-0000000000ff"}
    answer = consumer.token(producer, source="nrf", changes=other)
    assert (answer.status, answer.token) == (400, "")
    assert "scope" not in consumer.token_request(producer, changes={"scope": None})


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


def test_a_minted_token_has_the_claims_of_the_profile(session: Session, tmp_path: Path) -> None:
    consumer = NfConsumer(session, keyed(tmp_path, kid="k1"), NfIdentity("as", instance_id="me"))
    parts = jose.parse_unverified(consumer.token(consumer.sbi.producers[0], claims={"aud": "NRF", "iat": None}).token)
    assert parts.header == {"alg": "ES256", "typ": "JWT", "kid": "k1"}
    assert {name: parts.claims[name] for name in ("iss", "sub", "aud", "scope")} == {
        "iss": "i",
        "sub": "me",
        "aud": "NRF",
        "scope": "nmf-mrm",
    }
    assert "iat" not in parts.claims


def test_a_key_of_the_wrong_kind_is_named(session: Session, tmp_path: Path) -> None:
    consumer = NfConsumer(session, keyed(tmp_path, algorithm="RS256"))
    with pytest.raises(HarnessError, match=r"sbi\.tokens\.key"):
        consumer.mint(consumer.sbi.producers[0])


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


def test_paths_are_below_the_producers_root(tmp_path: Path) -> None:
    producer = keyed(tmp_path).producers[0]
    assert full_path(producer, "/a") == "/root/a"
    assert full_path(producer, "/root/a") == "/root/a"
    assert full_path(producer, "https://other:1/x?y") == "/x?y"


def test_bodies_are_encoded_by_their_kind() -> None:
    assert encoded({"a": 1}) == (b'{"a": 1}', "application/json")
    assert encoded("{") == (b"{", "")
    assert encoded(None) == (b"", "")


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


def test_a_producer_that_requires_assertions_gets_one(consumer: NfConsumer, producer: Producer) -> None:
    asking = ProducerClient(consumer, producer.model_copy(update={"cca": "required"}))
    asking.probe(label="with an assertion")
    asking.probe(label="with another", headers=[("3gpp-sbi-client-credentials", "a.b.c")])
    sent = [event.facts["headers"] for event in consumer.session.record.events if event.kind is Kind.SENT]
    shown = [[value for name, value in headers if name == "3gpp-sbi-client-credentials"] for headers in sent]
    assert len(shown[0]) == 1
    assert jose.parse_unverified(shown[0][0]).claims["aud"] == ["MF"]
    assert shown[1] == ["a.b.c"]


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


@pytest.mark.parametrize(
    ("status", "headers", "seconds"),
    [(429, {"retry-after": "2"}, 2.0), (503, {}, None), (200, {"retry-after": "1"}, None)]
    + [(503, {"retry-after": text}, None) for text in ("86400", "Sat, 01 Jan 2028 00:00:00 GMT")],
)
def test_only_a_short_wait_is_kept_to(
    session: Session, status: int, headers: dict[str, str], seconds: float | None
) -> None:
    answer = HttpAnswer(record=session.record, exchange="1:x", status=status, headers=tuple(headers.items()))
    assert seconds_asked_for(answer) == seconds


def test_only_what_a_probe_makes_is_deleted_again(session: Session, serve: Serve) -> None:
    def handle(peer: socket.socket) -> None:
        peer.recv(65536)
        peer.sendall(b"HTTP/1.1 201 Made\r\nLocation: made/7\r\nContent-Length: 0\r\n\r\n")

    made = {}
    for method in ("GET", "POST"):
        address = serve(handle)
        probe = {"method": method, "path": "/v1/things", "expect": [201]}
        url = f"http://{address[0]}:{address[1]}/root"
        sbi = Sbi.model_validate({"producers": [{"name": "f", "url": url, "http": "1.1", "probe": probe}]})
        client = ProducerClient(NfConsumer(session, sbi), sbi.producers[0])
        client.probe()
        made[method] = client.created
    assert made == {"GET": [], "POST": ["/root/v1/made/7"]}
