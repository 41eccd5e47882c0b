"""The lab's certificate, and how it fits its answer."""

from __future__ import annotations

from typing import Any

import pytest
from tests.judge.events import Story

from imsproof.judge.predicates import certificate as cert
from imsproof.seams import Kind, Outcome

H, F, U = Outcome.HOLDS, Outcome.FAILS, Outcome.UNKNOWN
AA, BB = ":".join(["AA"] * 32), ":".join(["BB"] * 32)


def answer(*attributes: str, port: int = 9, kind: Kind = Kind.RECEIVED, story: Story | None = None) -> Story:
    lines = ["v=0", f"m=application {port} UDP/DTLS/SCTP webrtc-datachannel", *(f"a={one}" for one in attributes), ""]
    return (story or Story()).add(kind, "1:offer", "udp", data="\r\n".join(lines).encode())


def shaken(story: Story | None = None, **facts: Any) -> Story:
    return (story or Story()).add(Kind.HANDSHAKE, "2:dtls", "dtls", **facts)


@pytest.mark.parametrize(
    ("kind", "bits", "signature", "outcome"),
    [
        ("EC", 256, "sha256", H),
        ("RSA", 2048, "sha384", H),
        ("RSA", 1024, "sha256", F),
        ("EC", 256, "sha1", F),
        ("DSA", 2048, "sha256", F),
        ("Ed25519", 256, "", H),
        ("unreadable: x", 0, "", U),
    ],
)
def test_keys_and_signatures_have_to_be_strong(kind: str, bits: int, signature: str, outcome: Outcome) -> None:
    story = shaken(peer_key=kind, peer_key_bits=bits, peer_signature=signature)
    assert cert.certificate_strength(story.events, exchange="2:dtls").outcome is outcome
    assert cert.certificate_strength(story.events, exchange="3:none").outcome is U


def test_the_certificate_is_one_of_those_announced() -> None:
    def judged(*attributes: str) -> Outcome:
        story = shaken(answer(*attributes), peer_fingerprints={"sha-256": AA, "sha-1": "CC:DD"})
        return cert.certificate_announced(story.events, exchange="2:dtls", answer="1:offer").outcome

    assert judged(f"fingerprint:SHA-256 {AA}") is H
    assert judged(f"fingerprint:sha-256 {BB}", f"fingerprint:sha-256 {AA.lower()}") is H
    assert judged(f"fingerprint:sha-256 {BB}") is F
    assert judged(f"fingerprint:sha-256 {BB}", "fingerprint:sha-1 CC:DD") is F
    assert judged("fingerprint:sha-1 CC:DD") is H
    assert judged() is F
    assert judged("fingerprint:sha3-256 AA:BB") is U
    no_handshake = answer(f"fingerprint:sha-256 {AA}").events
    assert cert.certificate_announced(no_handshake, exchange="2:dtls", answer="1:offer").outcome is U
    assert cert.certificate_announced([], exchange="2:dtls", answer="1:offer").outcome is U


def test_a_strong_hash_is_announced_and_no_md5() -> None:
    def judged(*names: str) -> Outcome:
        return cert.answer_hash(answer(*(f"fingerprint:{n} AA:BB" for n in names)).events, exchange="1:offer").outcome

    assert judged("SHA-256") is H
    assert judged("sha-1", "sha-512") is H
    assert judged("sha-1") is F
    assert judged("md5", "sha-256") is F
    assert judged() is F
    assert cert.answer_hash(answer(port=0).events, exchange="1:offer").outcome is U


def test_the_setup_role_is_one_that_is_allowed() -> None:
    story = answer("setup:passive")
    assert cert.answer_setup(story.events, exchange="1:offer", allowed=["passive"]).outcome is H
    assert cert.answer_setup(story.events, exchange="1:offer", allowed=["active"]).outcome is F
    assert cert.answer_setup(answer().events, exchange="1:offer", allowed=["active"]).outcome is F
    assert cert.answer_setup([], exchange="1:offer", allowed=["active"]).outcome is U


@pytest.mark.parametrize(
    ("value", "formed", "present"),
    [("a" * 20, H, H), ("a" * 19, F, H), ("a" * 256, F, H), ("é" * 30, F, H), ("", H, F)],
)
def test_a_tls_id_has_its_form_and_should_be_there(value: str, formed: Outcome, present: Outcome) -> None:
    story = answer(*([f"tls-id:{value}"] if value else []))
    assert cert.tls_id_formed(story.events, exchange="1:offer").outcome is formed
    assert cert.tls_id_present(story.events, exchange="1:offer").outcome is present
    assert cert.tls_id_formed([], exchange="1:offer").outcome is U
    assert cert.tls_id_present([], exchange="1:offer").outcome is U


def test_tls_ids_of_several_answers_differ() -> None:
    def told(*values: str) -> Outcome:
        story = Story()
        for number, value in enumerate(values):
            sdp = f"v=0\r\nm=application 9 UDP/DTLS/SCTP x\r\na=tls-id:{value}\r\n"
            story.add(Kind.RECEIVED, f"{number}:offer", "udp", data=sdp.encode())
        exchanges = [f"{number}:offer" for number in range(len(values))]
        return cert.tls_ids_differ(story.events, exchanges=exchanges).outcome

    assert told("a" * 20, "b" * 20) is H
    assert told("a" * 20, "a" * 20) is F
    assert told("9" * 31 + "1", "9" * 31 + "2") is F
    assert cert.tls_ids_differ([], exchanges=["1:offer"]).outcome is U


def test_attributes_arrive_as_they_were_sent() -> None:
    def judged(sent: tuple[str, ...], arrived: tuple[str, ...]) -> Outcome:
        story = answer(*sent, kind=Kind.SENT)
        lines = ["v=0", "m=application 9 UDP/DTLS/SCTP x", *(f"a={one}" for one in arrived), ""]
        story.add(Kind.RECEIVED, "2:in", "udp", data="\r\n".join(lines).encode())
        names = ["setup", "tls-id"]
        return cert.attribute_unchanged(story.events, sent="1:offer", received="2:in", names=names).outcome

    assert judged(("setup:actpass", "tls-id:x"), ("tls-id:x", "setup:actpass")) is H
    assert judged(("setup:actpass", "tls-id:x"), ("setup:actpass", "tls-id:y")) is F
    assert judged(("setup:actpass", "tls-id:x"), ("setup:actpass",)) is F
    assert cert.attribute_unchanged([], sent="1:offer", received="2:in", names=[]).outcome is U
