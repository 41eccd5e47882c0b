"""The tester's responder and lists: each certificate is told of as was set, in signed answers that others can read."""

from __future__ import annotations

import base64
import datetime as dt
import urllib.error
import urllib.parse
import urllib.request
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509 import ocsp

from imsproof.actors.certificates import CertificateMaker
from imsproof.actors.revocation import StatusServer, Told
from imsproof.profile.sbi import Revocation

if TYPE_CHECKING:
    from imsproof.actors.nf import NfConsumer
    from imsproof.actors.nfidentity import NfIdentity

DER = serialization.Encoding.DER
NONCE = x509.OCSPNonce(b"0123456789abcdef")


@pytest.fixture
def maker(consumer: NfConsumer) -> CertificateMaker:
    return CertificateMaker(consumer.identity, consumer.sbi.client_ca)


@pytest.fixture
def server(consumer: NfConsumer, maker: CertificateMaker) -> StatusServer:
    return StatusServer(consumer.session, maker, ("127.0.0.1", 9))


def certificate_of(identity: NfIdentity) -> x509.Certificate:
    return x509.load_pem_x509_certificate(identity.certificate or b"")


def asked(maker: CertificateMaker, identity: NfIdentity, *, get: bool = False) -> ocsp.OCSPResponse:
    """What the responder that the certificate names answers."""
    certificate = certificate_of(identity)
    access = certificate.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    url = str(next(iter(access)).access_location.value)
    builder = ocsp.OCSPRequestBuilder().add_certificate(certificate, maker.trusted.certificate, hashes.SHA256())
    request = builder.add_extension(NONCE, critical=False).build().public_bytes(DER)
    if get:
        url += "/" + urllib.parse.quote(base64.b64encode(request), safe="")
    with urllib.request.urlopen(url, data=None if get else request, timeout=10) as answer:
        assert answer.headers["content-type"] == "application/ocsp-response"
        return ocsp.load_der_ocsp_response(answer.read())


def listed(identity: NfIdentity) -> x509.CertificateRevocationList:
    points = certificate_of(identity).extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    url = str((next(iter(points)).full_name or [])[0].value)
    with urllib.request.urlopen(url, timeout=10) as answer:
        return x509.load_der_x509_crl(answer.read())


def signed_by(response: ocsp.OCSPResponse, signer: x509.Certificate) -> bool:
    key = signer.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    try:
        key.verify(response.signature, response.tbs_response_bytes, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True


@pytest.mark.parametrize("get", [True, False])
def test_good_and_revoked_are_told_by_the_authority_itself(
    server: StatusServer, maker: CertificateMaker, *, get: bool
) -> None:
    for told, status in (("good", ocsp.OCSPCertStatus.GOOD), ("revoked", ocsp.OCSPCertStatus.REVOKED)):
        identity = server.with_responder(told)  # type: ignore[arg-type]
        answer = asked(maker, identity, get=get)
        assert (answer.certificate_status, answer.serial_number) == (status, certificate_of(identity).serial_number)
        assert signed_by(answer, maker.trusted.certificate)
        assert answer.certificates == [maker.trusted.certificate], "Apache httpd looks for the signer nowhere else"
        assert answer.extensions.get_extension_for_class(x509.OCSPNonce).value == NONCE


def test_each_wrong_response_is_wrong_in_its_one_thing(server: StatusServer, maker: CertificateMaker) -> None:
    authority, now = maker.trusted.certificate, dt.datetime.now(dt.UTC)
    answers = {told: asked(maker, server.with_responder(told)) for told in _told("of another", "stale")}
    assert all(signed_by(one, authority) for one in answers.values())
    stale = answers["stale"].next_update_utc
    assert stale is not None
    assert stale < now
    assert answers["stale"].certificate_status is ocsp.OCSPCertStatus.GOOD
    another = server.with_responder("of another")
    assert asked(maker, another).serial_number != certificate_of(another).serial_number
    for told in _told("of a stranger", "of no delegate", "good, by a delegate"):
        answer = asked(maker, server.with_responder(told))
        signer = answer.certificates[0]
        assert not signed_by(answer, authority)
        assert signed_by(answer, signer)
        assert ("OCSPSigning" in str(signer.extensions)) is (told == "good, by a delegate")
    unknown = asked(maker, server.with_responder("no answer"))
    assert unknown.response_status is ocsp.OCSPResponseStatus.TRY_LATER


def _told(*kinds: Told) -> tuple[Told, ...]:
    return kinds


def test_lists_are_the_authoritys_unless_they_are_to_be_wrong(server: StatusServer, maker: CertificateMaker) -> None:
    key = maker.trusted.certificate.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    revoked = server.with_list("revoked")
    serial = certificate_of(revoked).serial_number
    assert listed(revoked).get_revoked_certificate_by_serial_number(serial) is not None
    good = listed(server.with_list("good"))
    assert good.is_signature_valid(key)
    assert len(good) == 0
    end = listed(server.with_list("stale")).next_update_utc
    assert end is not None
    assert end < dt.datetime.now(dt.UTC)
    assert not listed(server.with_list("of a stranger")).is_signature_valid(key)
    with pytest.raises(urllib.error.HTTPError, match="503"):
        listed(server.with_list("no answer"))


def test_what_is_made_with_pointers_is_good_wherever_it_is_asked(consumer: NfConsumer, server: StatusServer) -> None:
    pointers = server.pointers(Revocation(ocsp="asks", crl="requires"))
    maker = CertificateMaker(consumer.identity, consumer.sbi.client_ca, pointers)
    for made in (maker.good(), maker.sha1_signature()):
        assert asked(maker, made).certificate_status is ocsp.OCSPCertStatus.GOOD
        assert len(listed(made)) == 0
    assert server.pointers(Revocation()) == ()
