"""The lab asks the responder and fetches the list that a client's certificate names, and only here."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from imsproof.actors.certificates import CertificateMaker
from imsproof.actors.nfidentity import NfIdentity
from imsproof.actors.revocation import StatusServer, Told
from imsproof.lab.pki import Pki, make_pki
from imsproof.lab.sbi.policy import SbiPolicy
from imsproof.lab.sbi.status import why_not_good
from imsproof.profile.sbi import KeyPair

if TYPE_CHECKING:
    from imsproof.link.session import Session


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    return make_pki(tmp_path_factory.mktemp("pki"))


@pytest.fixture
def server(session: Session, pki: Pki) -> StatusServer:
    own = NfIdentity.of(KeyPair(certificate=pki.certificate("tester-as"), key=pki.key("tester-as")))
    maker = CertificateMaker(own, KeyPair(certificate=pki.ca, key=pki.key("ca")))
    return StatusServer(session, maker, ("127.0.0.1", 9))


def why(pki: Pki, identity: NfIdentity, policy: SbiPolicy | None = None) -> str:
    certificate = x509.load_pem_x509_certificate(identity.certificate or b"")
    der = certificate.public_bytes(serialization.Encoding.DER)
    return asyncio.run(why_not_good(der, pki, policy or SbiPolicy()))


WRONG: tuple[tuple[Told, str], ...] = (
    ("revoked", "revoked"),
    ("no answer", "TRY_LATER"),
    ("of another", "another certificate"),
    ("stale", "stale"),
    ("of a stranger", "nobody who may sign"),
    ("of no delegate", "nobody who may sign"),
)
LISTS: tuple[tuple[Told, str], ...] = (
    ("revoked", "revoked"),
    ("no answer", "no status"),
    ("stale", "stale"),
    ("of a stranger", "not its issuer's"),
)


def test_good_responses_and_lists_vouch(pki: Pki, server: StatusServer) -> None:
    good = (server.with_responder("good"), server.with_responder("good, by a delegate"), server.with_list("good"))
    assert [why(pki, one) for one in good] == ["", "", ""]


@pytest.mark.parametrize(("told", "words"), WRONG)
def test_no_wrong_response_vouches(pki: Pki, server: StatusServer, told: Told, words: str) -> None:
    assert words in why(pki, server.with_responder(told))
    soft = why(pki, server.with_responder(told), SbiPolicy(status_required=False))
    assert bool(soft) is (told == "revoked")


@pytest.mark.parametrize(("told", "words"), LISTS)
def test_no_wrong_list_vouches(pki: Pki, server: StatusServer, told: Told, words: str) -> None:
    assert words in why(pki, server.with_list(told))
    soft = why(pki, server.with_list(told), SbiPolicy(status_required=False))
    assert bool(soft) is (told == "revoked")


def test_nobody_is_asked_elsewhere_or_where_the_fault_is_planted(pki: Pki, server: StatusServer) -> None:
    revoked = server.with_responder("revoked")
    assert why(pki, revoked, SbiPolicy(ask_responder=False)) == ""
    assert why(pki, server.with_list("revoked"), SbiPolicy(fetch_crl=False)) == ""
    assert (
        why(pki, NfIdentity.of(KeyPair(certificate=pki.certificate("mf"), key=pki.key("mf")))) == ""
    )  # its list is at a name outside of this machine
