"""Wrong certificates: each is the consumer's own but for one thing."""

from __future__ import annotations

import datetime as dt
import itertools
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from imsproof.actors.certificates import CertificateMaker, load_key
from imsproof.actors.nfidentity import NfIdentity
from imsproof.lab.pki import Pki, make_pki
from imsproof.profile.sbi import KeyPair
from imsproof.seams import HarnessError, InconclusiveError

if TYPE_CHECKING:
    from collections.abc import Callable

NOW = dt.datetime.now(dt.UTC)
INSTANCE = "6d0f1c1e-0000-4000-8000-0000000000a1"


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    return make_pki(tmp_path_factory.mktemp("pki"))


@pytest.fixture(scope="module")
def maker(pki: Pki) -> CertificateMaker:
    model = NfIdentity(
        "as", pki.certificate("tester-as").read_bytes(), pki.key("tester-as").read_bytes(), "IMS_AS", INSTANCE
    )
    return CertificateMaker(model, KeyPair(certificate=pki.ca, key=pki.key("ca")))


def chain(identity: NfIdentity) -> list[x509.Certificate]:
    assert identity.certificate
    return x509.load_pem_x509_certificates(identity.certificate)


def names(certificate: x509.Certificate) -> list[str]:
    found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return found.get_values_for_type(x509.UniformResourceIdentifier)


def issued_by(certificate: x509.Certificate, pki: Pki) -> bool:
    try:
        certificate.verify_directly_issued_by(x509.load_pem_x509_certificate(pki.ca.read_bytes()))
    except (ValueError, InvalidSignature):
        return False
    return True


def test_the_good_one_is_the_consumers_in_all_that_counts(maker: CertificateMaker, pki: Pki) -> None:
    good = maker.good()
    leaf = chain(good)[0]
    assert issued_by(leaf, pki)
    assert names(leaf) == [f"urn:uuid:{INSTANCE}"]
    assert leaf.subject == maker.own.certificate.subject
    assert good.key
    assert load_key(good.key).public_key() == leaf.public_key()


FLAWS: dict[str, tuple[Callable[[CertificateMaker], NfIdentity], Callable[[x509.Certificate], bool]]] = {
    "expired": (CertificateMaker.expired, lambda one: one.not_valid_after_utc < NOW),
    "early": (CertificateMaker.not_yet_valid, lambda one: one.not_valid_before_utc > NOW),
    "server only": (
        CertificateMaker.server_only,
        lambda one: (
            list(one.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
            == [ExtendedKeyUsageOID.SERVER_AUTH]
        ),
    ),
    "weak": (
        CertificateMaker.weak_key,
        lambda one: isinstance(key := one.public_key(), rsa.RSAPublicKey) and key.key_size == 1024,
    ),
    "another instance": (CertificateMaker.of_other_instance, lambda one: INSTANCE not in names(one)[0]),
}


@pytest.mark.parametrize("flaw", FLAWS)
def test_a_minted_one_has_its_flaw_and_the_trusted_issuer(maker: CertificateMaker, pki: Pki, flaw: str) -> None:
    make, holds = FLAWS[flaw]
    leaf = chain(make(maker))[0]
    assert issued_by(leaf, pki)
    assert holds(leaf)
    assert not holds(chain(maker.good())[0])


def test_sha1_is_named_and_the_issuer_is_the_trusted_one(maker: CertificateMaker) -> None:
    leaf = chain(maker.sha1_signature())[0]
    assert leaf.signature_algorithm_oid.dotted_string == "1.2.840.10045.4.1"
    assert leaf.issuer == maker.trusted.certificate.subject


@pytest.mark.parametrize(
    "make",
    [
        CertificateMaker.of_unknown_authority,
        CertificateMaker.of_namesake_authority,
        CertificateMaker.self_signed,
        CertificateMaker.issued_by_end_entity,
        CertificateMaker.missing_link,
        CertificateMaker.loop,
        CertificateMaker.long_chain,
    ],
)
def test_others_are_not_issued_by_the_trusted_authority(
    maker: CertificateMaker, pki: Pki, make: Callable[[CertificateMaker], NfIdentity]
) -> None:
    certificates = chain(make(maker))
    assert not issued_by(certificates[0], pki)
    assert names(certificates[0]) == [f"urn:uuid:{INSTANCE}"]


def test_the_loop_goes_round(maker: CertificateMaker) -> None:
    leaf, first, second = chain(maker.loop())
    leaf.verify_directly_issued_by(first)
    first.verify_directly_issued_by(second)
    second.verify_directly_issued_by(first)


def test_each_of_the_long_chain_is_issued_by_the_next(maker: CertificateMaker) -> None:
    certificates = chain(maker.long_chain())
    assert len(certificates) == 31
    for below, above in itertools.pairwise(certificates):
        below.verify_directly_issued_by(above)


def test_without_an_authority_only_the_untrusted_ones_can_be_made(maker: CertificateMaker) -> None:
    alone = CertificateMaker(maker.model, None)
    assert alone.self_signed().certificate
    with pytest.raises(InconclusiveError, match=r"sbi\.client_ca"):
        alone.expired()


def test_a_consumer_without_a_certificate_cannot_be_copied(maker: CertificateMaker) -> None:
    with pytest.raises(HarnessError, match=r"sbi\.consumers"):
        CertificateMaker(maker.model.without_certificate(), None)
    with pytest.raises(HarnessError, match="cannot be read"):
        load_key(b"no key")
