"""Tries the probes of a profile's producers once, as the authorised consumer, so that a mistake in one shows early."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from imsproof.actors.nf import NfConsumer
from imsproof.actors.producerclient import ProducerClient
from imsproof.seams import ImsproofError

if TYPE_CHECKING:
    from imsproof.link.session import Session
    from imsproof.link.subject import HttpAnswer
    from imsproof.profile.sbi import Producer, Sbi

SAID = 200
"""Characters of an answer's body that are shown."""


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of one probe: whether it was accepted, and what the producer said, in words."""

    producer: str
    good: bool
    told: str


def try_probes(session: Session, sbi: Sbi) -> list[Tried]:
    """Send each producer's probe once, with a token where it wants one, and delete what it made."""
    return [_one(ProducerClient(NfConsumer(session, sbi), one)) for one in sbi.producers if one.probe]


def _one(client: ProducerClient) -> Tried:
    producer = client.producer
    try:
        token = client.token() if client.wants_token else None
        if token is not None and not token.token:
            return Tried(producer.name, good=False, told=f"no access token could be had: {_said(token)}")
        answer = client.probe(token)
        client.release(token)
    except ImsproofError as error:
        return Tried(producer.name, good=False, told=str(error))
    good = answer.status in (answer.accept or ())
    if good:
        return Tried(producer.name, good, _said(answer))
    return Tried(
        producer.name, good, f"{_said(answer)}; {_wanted(producer)}{'' if answer.status else _without_h2(client)}"
    )


def _without_h2(client: ProducerClient) -> str:
    """What to do when the producer does not answer since it has no HTTP/2."""
    producer = client.producer
    if producer.http != "2" or producer.url.scheme != "https":
        return ""
    attempt = client.consumer.handshake(producer, f"what {producer.name} chooses in ALPN")
    if not attempt.connected or attempt.facts.get("alpn") == "h2":
        return ""
    return '; it chooses no h2 in ALPN: with http: "1.1" it is asked over HTTP/1.1'


def _said(answer: HttpAnswer) -> str:
    if not answer.status:
        return answer.failed or "no answer"
    text = answer.body[:SAID].decode("utf-8", "replace").strip() if not answer.ok else ""
    return f"answered {answer.status}{f': {text}' if text else ''}"


def _wanted(producer: Producer) -> str:
    expected = producer.probe.expect if producer.probe else ()
    return f"sbi.producers[].probe expects {' or '.join(map(str, expected))}"
