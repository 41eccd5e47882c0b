"""TLS handshakes with the reference lab's P-CSCF."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from imsproof.actors.gmtls import GmTlsClient
from imsproof.profile.gm import Gm
from imsproof.seams import HarnessError

if TYPE_CHECKING:
    from imsproof.link.session import Session
    from imsproof.profile import Profile


def test_a_handshake_as_usual_and_one_that_is_refused(lab: Session, reference: Profile) -> None:
    assert reference.gm is not None
    client = GmTlsClient(lab, reference.gm)
    usual = client.handshake("usual")
    assert usual.connected
    assert usual.facts["verified"] == "ok"
    old = client.handshake("old", minimum="TLSv1.1", maximum="TLSv1.1", ciphers="ALL:@SECLEVEL=0")
    assert not old.connected
    assert old.failed
    assert client.name == "pcscf.ims.example"
    assert client.probe().show(client.probe().hello("a hello")).data


def test_without_an_address_it_is_the_harness(session: Session) -> None:
    with pytest.raises(HarnessError, match=r"gm\.tls"):
        GmTlsClient(session, Gm.model_validate({"domain": "a.example"}))
