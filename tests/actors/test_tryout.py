"""A probe is tried once, and what the producer says of it is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imsproof.actors.tryout import try_probes
from imsproof.profile.sbi import Sbi

if TYPE_CHECKING:
    import socket

    from tests.conftest import Serve

    from imsproof.link.session import Session
    from imsproof.profile import Profile


def test_the_reference_labs_probes_are_accepted_and_leave_nothing(lab: Session, reference: Profile) -> None:
    assert reference.sbi
    tried = try_probes(lab, reference.sbi)
    assert [(one.producer, one.good) for one in tried] == [("mf", True), ("imsas", True), ("dcsf", True)]
    assert "DELETE" in [event.facts.get("method") for event in lab.record.events]


def test_the_words_of_a_refusal_are_told(session: Session, serve: Serve) -> None:
    def refuse(peer: socket.socket) -> None:
        peer.recv(65536)
        peer.sendall(b'HTTP/1.1 400 No\r\nContent-Length: 19\r\n\r\n{"detail": "tired"}')

    host, port = serve(refuse)
    producer = {"name": "f", "url": f"http://{host}:{port}", "http": "1.1", "probe": {"path": "/"}}
    (tried,) = try_probes(session, Sbi.model_validate({"producers": [{**producer, "requires_token": False}]}))
    assert not tried.good
    assert "answered 400: " in tried.told
    assert "expects 200 or 201 or 204" in tried.told


def test_what_cannot_be_tried_is_told(session: Session) -> None:
    sbi = Sbi.model_validate({"producers": [{"name": "f", "url": "http://127.0.0.1:9", "probe": {"path": "/"}}]})
    (tried,) = try_probes(session, sbi)
    assert "refused" in tried.told
