"""Just enough DER: what is split goes together again, and a certificate can name another algorithm."""

from __future__ import annotations

import datetime as dt

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from imsproof.codec import derfield
from imsproof.codec.derfield import DerSyntaxError, items, tlv

TAGS = st.sampled_from([0x02, 0x04, 0x0C, 0x30, 0xA0])


@given(st.lists(st.tuples(TAGS, st.binary(max_size=400)), max_size=5))
def test_what_is_written_is_read_again(values: list[tuple[int, bytes]]) -> None:
    assert items(b"".join(tlv(tag, value) for tag, value in values)) == values


@pytest.mark.parametrize("data", [b"\x30", b"\x30\x05ab", b"\x30\x82\xff\xffa"])
def test_a_value_that_is_cut_short_is_said_to_be(data: bytes) -> None:
    with pytest.raises(DerSyntaxError):
        items(data)


def test_a_certificate_names_the_algorithm_that_it_was_given() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "x")])
    start = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, start, start + dt.timedelta(days=1))
    tbs = builder.sign(key, hashes.SHA256()).tbs_certificate_bytes
    text = derfield.with_signature_algorithm(tbs, derfield.ECDSA_SHA1)
    again = x509.load_der_x509_certificate(derfield.signed(text, derfield.ECDSA_SHA1, b"\x30\x00"))
    assert again.signature_algorithm_oid.dotted_string == "1.2.840.10045.4.1"
    assert again.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    ) == key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


@pytest.mark.parametrize("data", [b"", b"\x02\x01\x00", tlv(0x30, b""), tlv(0x30, tlv(0xA0, b"") + tlv(2, b"\1"))])
def test_what_is_no_certificate_is_refused(data: bytes) -> None:
    with pytest.raises(DerSyntaxError):
        derfield.with_signature_algorithm(data, derfield.RSA_SHA1)
