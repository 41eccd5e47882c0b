"""The context of each TLS connection follows the policy."""

from __future__ import annotations

import dataclasses
import ssl
from typing import TYPE_CHECKING

import pytest

from imsproof.lab.pki import make_pki
from imsproof.lab.sip import gmtls
from imsproof.lab.sip.policy import SipPolicy

if TYPE_CHECKING:
    from pathlib import Path


def test_the_context_is_what_the_policy_says(tmp_path: Path) -> None:
    pki = make_pki(tmp_path)
    usual = gmtls.context(pki.directory, SipPolicy())
    assert usual.minimum_version is ssl.TLSVersion.TLSv1_2
    assert gmtls.context(pki.directory, SipPolicy()) is usual
    old = dataclasses.replace(SipPolicy(), tls_versions=("TLSv1", "TLSv1.2"), tls_ciphers="ALL:@SECLEVEL=0")
    assert gmtls.context(pki.directory, old).minimum_version is ssl.TLSVersion.TLSv1
    assert gmtls.context(pki.directory, old).maximum_version is ssl.TLSVersion.TLSv1_2
    with pytest.raises(OSError, match="No such file"):
        gmtls.context(pki.directory, dataclasses.replace(SipPolicy(), tls_certificate="nobody"))
