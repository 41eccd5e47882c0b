"""SIP over UDP as a target: what came back is told apart, and the probe says whether the lab lives."""

from __future__ import annotations

import random
from contextlib import closing
from typing import TYPE_CHECKING

from tests.actors.conftest import peer  # noqa: F401 - a fixture

from imsproof.codec import sip
from imsproof.codec.torture import Aim, plain
from imsproof.fuzzing.gmsip import GmSip
from imsproof.seams import Kind

if TYPE_CHECKING:
    from tests.actors.conftest import SipPeer

    from imsproof.link.session import Session


def gm_sip(session: Session, peer: SipPeer, **more: object) -> GmSip:  # noqa: F811
    return GmSip(session, peer.address, lambda _: Aim(), random.Random(1), within=1.0, **more)  # type: ignore[arg-type]


def test_cases_and_probe_are_answered_and_counted(session: Session, peer: SipPeer) -> None:  # noqa: F811
    target = gm_sip(session, peer)
    reaction, health = target.fire([plain("OPTIONS", Aim(token=f"{n:016x}")) for n in range(5)])
    target.close()
    assert health.serves
    assert reaction.statuses == {200: 5}
    assert len(reaction.signatures) == 5


def test_a_silent_lab_does_not_serve(session: Session, peer: SipPeer) -> None:  # noqa: F811
    peer.handler = lambda _: []
    with closing(gm_sip(session, peer)) as target:
        assert not target.probe().serves


def test_a_lab_that_serves_another_address_throttles(session: Session, peer: SipPeer) -> None:  # noqa: F811
    def throttle(message: sip.Message) -> list[bytes]:
        return [sip.response(message, 200).to_bytes()] if peer.source[0] == "127.0.0.9" else []

    peer.handler = throttle
    with closing(gm_sip(session, peer, other="127.0.0.9")) as target:
        health = target.probe()
    assert (health.serves, health.elsewhere) == (True, True)


def test_a_closed_port_is_refused(session: Session) -> None:
    with closing(GmSip(session, ("127.0.0.1", 9), lambda _: Aim(), random.Random(1), within=1.0)) as target:
        assert target.probe().refused


def test_a_lab_that_answers_again_while_another_address_is_asked_does_not_throttle(
    session: Session,
    peer: SipPeer,  # noqa: F811
) -> None:
    elsewhere: list[bool] = []

    def hang(message: sip.Message) -> list[bytes]:
        elsewhere.append(peer.source[0] == "127.0.0.9")
        return [sip.response(message, 200).to_bytes()] if sum(elsewhere) > 1 else []

    peer.handler = hang
    with closing(gm_sip(session, peer, other="127.0.0.9")) as target:
        health = target.probe()
    assert (health.serves, health.elsewhere, health.seconds > 1.0) == (True, False, True)


def test_a_ban_that_ends_meanwhile_is_a_ban(session: Session, peer: SipPeer) -> None:  # noqa: F811
    elsewhere: list[bool] = []

    def ban(message: sip.Message) -> list[bytes]:
        elsewhere.append(peer.source[0] == "127.0.0.9")
        return [sip.response(message, 200).to_bytes()] if any(elsewhere) else []

    peer.handler = ban
    with closing(gm_sip(session, peer, other="127.0.0.9")) as target:
        assert target.probe().elsewhere


def test_a_finding_is_told_again_with_everything_that_crossed(session: Session, peer: SipPeer) -> None:  # noqa: F811
    with closing(gm_sip(session, peer)) as target:
        told = target.retell([plain("OPTIONS", Aim())])
    assert [one.kind for one in told.events].count(Kind.SENT) == 2
    assert len(told.packets) == 4
