"""The lab's certificates keep the NF profile of TS 33.310 clause 6.1.3c."""

from __future__ import annotations

import datetime as dt
import stat
import subprocess
import uuid
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from hypothesis import given
from hypothesis import strategies as st

from imsproof.lab import nodes
from imsproof.lab.pki import NF_TYPES_OID, Pki, make_pki, nf_types_der, parse_nf_types

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    return make_pki(tmp_path_factory.mktemp("pki") / "pki")


def read(pki: Pki, name: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate(pki.certificate(name).read_bytes())


@pytest.mark.parametrize("nf", [*nodes.LAB_NFS, *nodes.TESTER_NFS], ids=lambda nf: nf.name)
def test_an_nf_certificate_keeps_the_profile(pki: Pki, nf: nodes.Nf) -> None:
    certificate = read(pki, nf.name)
    find = certificate.extensions.get_extension_for_class
    names = find(x509.SubjectAlternativeName)
    assert names.critical
    assert names.value.get_values_for_type(x509.DNSName) == [nf.fqdn]
    assert names.value.get_values_for_type(x509.UniformResourceIdentifier) == [f"urn:uuid:{nf.instance_id}"]
    usage = find(x509.KeyUsage)
    assert usage.critical
    assert usage.value.digital_signature
    assert not usage.value.key_cert_sign
    assert set(find(x509.ExtendedKeyUsage).value) == {ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH}
    assert find(x509.AuthorityKeyIdentifier).value.key_identifier
    assert len(list(find(x509.CRLDistributionPoints).value)) == 1
    assert certificate.version is x509.Version.v3
    assert 0 < certificate.serial_number < 2**160
    assert certificate.not_valid_after_utc - certificate.not_valid_before_utc < dt.timedelta(days=3 * 365)
    assert certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    assert certificate.subject.get_attributes_for_oid(NameOID.COUNTRY_NAME)
    nf_types = certificate.extensions.get_extension_for_oid(NF_TYPES_OID)
    assert not nf_types.critical
    assert isinstance(nf_types.value, x509.UnrecognizedExtension)
    assert parse_nf_types(nf_types.value.value) == (nf.nf_type,)


def test_certificates_verify_under_their_own_authority_only(pki: Pki) -> None:
    def verifies(name: str, authority: str = "ca") -> bool:
        command = ["openssl", "verify", "-x509_strict", "-CAfile", str(pki.certificate(authority))]
        run = subprocess.run([*command, str(pki.certificate(name))], capture_output=True, check=False, timeout=10)
        return run.returncode == 0

    assert verifies("mf")
    assert verifies("pcscf")
    assert not verifies("rogue")
    assert verifies("rogue", "rogue-ca")


def test_the_rogue_claims_the_first_consumers_identity(pki: Pki) -> None:
    names = read(pki, "rogue").extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert f"urn:uuid:{nodes.TESTER_AS.instance_id}" in names.get_values_for_type(x509.UniformResourceIdentifier)


def test_the_crl_holds_the_revoked_consumer_only(pki: Pki) -> None:
    crl = x509.load_pem_x509_crl(pki.crl.read_bytes())
    assert [entry.serial_number for entry in crl] == [read(pki, "tester-revoked").serial_number]


def test_keys_are_the_owners_and_fit_their_certificates(pki: Pki) -> None:
    assert stat.S_IMODE(pki.directory.stat().st_mode) == 0o700
    for path in (*pki.directory.glob("*.key"),):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    key = load_pem_private_key(pki.key("mf").read_bytes(), None)
    assert key.public_key() == read(pki, "mf").public_key()


def test_every_start_has_keys_of_its_own(pki: Pki, tmp_path: Path) -> None:
    assert make_pki(tmp_path).ca.read_bytes() != pki.ca.read_bytes()


def test_instance_ids_are_uuids_and_unique() -> None:
    ids = [uuid.UUID(nf.instance_id) for nf in (*nodes.LAB_NFS, *nodes.TESTER_NFS, nodes.TESTER_REVOKED)]
    assert len(set(ids)) == len(ids)


@given(st.lists(st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ_", min_size=1, max_size=32), min_size=1, max_size=3))
def test_nf_types_come_back_as_they_went_in(nf_types: list[str]) -> None:
    assert parse_nf_types(nf_types_der(*nf_types)) == tuple(nf_types)


@given(st.binary(max_size=40))
def test_any_octets_are_nf_types_or_none(der: bytes) -> None:
    assert isinstance(parse_nf_types(der), tuple)
