"""What servers staple: responses that OpenSSL's own client reads."""

from __future__ import annotations

import pytest
from cryptography import x509
from cryptography.x509 import ocsp

from imsproof.lab.pki import Pki, make_pki
from imsproof.lab.sbi.staple import RESPONSES, staple


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    return make_pki(tmp_path_factory.mktemp("pki"))


@pytest.mark.parametrize("kind", RESPONSES)
def test_each_is_about_the_certificate_that_is_shown(pki: Pki, kind: str) -> None:
    response = ocsp.load_der_ocsp_response(staple(pki, "mf", kind))
    shown = x509.load_pem_x509_certificate(pki.certificate("mf").read_bytes())
    assert response.serial_number == shown.serial_number
    assert (response.certificate_status is ocsp.OCSPCertStatus.REVOKED) is (kind == "revoked")


def test_none_and_what_there_is_not(pki: Pki) -> None:
    assert staple(pki, "mf", "") == b""
    with pytest.raises(ValueError, match="there are good"):
        staple(pki, "mf", "odd")
