"""Is the lab alive? Probes and other sources."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.conftest import ShortTimers

from imsproof.actors.liveness import SERVED, SipProbe, other_source
from imsproof.profile.gm import Gm
from imsproof.seams import HarnessError

if TYPE_CHECKING:
    from tests.actors.conftest import SipPeer

    from imsproof.link.session import Session
    from imsproof.profile import Profile


def test_a_lab_that_answers_is_probed_once(session: Session, peer: SipPeer, gm: Gm) -> None:
    answers = SipProbe(session, gm).probes()
    assert len(answers) == 1
    assert answers[0].data
    assert answers[0].accept == SERVED
    assert peer.got[0].method == "OPTIONS"


def test_a_lab_that_is_silent_is_probed_from_another_source(session: Session, peer: SipPeer, gm: Gm) -> None:
    peer.handler = lambda message: []
    session.link.timers = ShortTimers(answer=0.2)
    answers = SipProbe(session, gm).probes(["127.0.0.1", "127.0.0.5"])
    assert [bool(answer.data) for answer in answers] == [False, False]
    sources = {packet.source[0] for packet in session.packets}
    assert len(sources) == 2


def test_a_lab_that_answers_no_options_is_asked_by_register(session: Session, peer: SipPeer, gm: Gm) -> None:
    answer = peer.handler
    peer.handler = lambda message: [] if message.method == "OPTIONS" else answer(message)
    answers = SipProbe(session, gm).probes()
    assert [bool(one.data) for one in answers] == [True]
    assert [one.method for one in peer.got] == ["OPTIONS", "REGISTER"]


def test_the_probes_method_is_the_profiles(session: Session, peer: SipPeer, gm: Gm) -> None:
    changed = gm.model_copy(update={"probe": gm.probe.model_copy(update={"method": "REGISTER"})})
    SipProbe(session, changed).probe()
    assert peer.got[0].method == "REGISTER"


def test_the_reference_lab_is_alive_over_every_transport(lab: Session, reference: Profile) -> None:
    assert reference.gm
    for transport in ("udp", "tcp", "tls"):
        assert SipProbe(lab, reference.gm, transport=transport).probe().data


def test_a_profile_without_transport_has_nothing_to_probe(session: Session) -> None:
    with pytest.raises(HarnessError, match=r"gm\.udp"):
        SipProbe(session, Gm.model_validate({"domain": "ims.example"}))


def test_another_source_is_made_up_on_ipv4_loopback_only() -> None:
    first = other_source("127.31.5.10")
    assert first
    assert other_source("127.31.5.10", first) not in (None, first)
    assert other_source("192.0.2.1") is None
    assert other_source("::1") is None
