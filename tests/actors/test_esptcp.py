"""SIP over TCP inside ESP, against the lab's P-CSCF."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from imsproof.actors.secureue import SecureUe
from imsproof.link.esp import raw_sockets
from imsproof.seams import Kind

if TYPE_CHECKING:
    from imsproof.link.session import Session
    from imsproof.profile import Profile


@pytest.fixture
def ue(lab: Session, reference: Profile) -> SecureUe:
    """A registered UE with associations, which need the right to raw sockets."""
    if not raw_sockets():
        pytest.skip("no right to raw sockets")
    assert reference.gm
    who = next(one for one in reference.gm.subscribers if one.auth == "aka" and not one.must_agree)
    made = SecureUe(lab, reference.gm, who)
    assert made.register().ok
    return made


def test_a_request_is_served_over_tcp_inside_esp_once_and_again(ue: SecureUe, lab: Session) -> None:
    for label in ("one", "two"):
        answer = ue.probe_tcp(label)
        assert answer.status, answer.failed
        came = [e for e in lab.record.events if e.exchange == answer.exchange and e.kind is Kind.RECEIVED]
        assert [(e.transport, e.facts["inner"]) for e in came] == [("esp", "tcp")]
        assert came[0].facts["spi"] == ue.esp.agreed.own.spi_c
    ue.close()


def test_without_esp_the_connection_is_refused_or_closed(ue: SecureUe) -> None:
    answer = ue.probe_tcp("in clear", protected=False)
    assert answer.status == 0
    assert answer.failed
    ue.close()
