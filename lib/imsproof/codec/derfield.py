"""Just enough DER (X.690) to sign a certificate with an algorithm that no library offers any more."""

from __future__ import annotations

SEQUENCE, BIT_STRING, OID, NULL, VERSION = 0x30, 0x03, 0x06, 0x05, 0xA0
LONG_FORM = 0x80


class DerSyntaxError(ValueError):
    """The bytes are not DER, or not the structure that was asked for."""


def tlv(tag: int, value: bytes) -> bytes:
    """Return a value under its tag and length."""
    if len(value) < LONG_FORM:
        return bytes((tag, len(value))) + value
    size = len(value).to_bytes((len(value).bit_length() + 7) // 8, "big")
    return bytes((tag, LONG_FORM | len(size))) + size + value


ECDSA_SHA1 = tlv(SEQUENCE, tlv(OID, bytes.fromhex("2a8648ce3d0401")))
RSA_SHA1 = tlv(SEQUENCE, tlv(OID, bytes.fromhex("2a864886f70d010105")) + tlv(NULL, b""))
"""AlgorithmIdentifiers of RFC 5758 section 3.2 and RFC 8017 appendix A.2.4 in their SHA-1 forms."""


def items(data: bytes) -> list[tuple[int, bytes]]:
    """Split the contents of a constructed value into (tag, value); one-byte tags only.

    Raises:
        DerSyntaxError: a value is cut short.
    """
    found = []
    position = 0
    while position < len(data):
        header = data[position : position + 2]
        if len(header) < 2:
            raise DerSyntaxError("a tag without a length")
        start, size = position + 2, header[1]
        if size >= LONG_FORM:
            count = size & ~LONG_FORM
            size = int.from_bytes(data[start : start + count], "big")
            start += count
        if start + size > len(data):
            raise DerSyntaxError(f"{size} bytes expected, {len(data) - start} left")
        found.append((header[0], data[start : start + size]))
        position = start + size
    return found


def with_signature_algorithm(tbs: bytes, algorithm: bytes) -> bytes:
    """Return a TBSCertificate (RFC 5280 section 4.1) that names another signature algorithm (a whole TLV)."""
    outer = items(tbs)
    if len(outer) != 1 or outer[0][0] != SEQUENCE:
        raise DerSyntaxError("not a TBSCertificate")
    parts = items(outer[0][1])
    place = 2 if parts and parts[0][0] == VERSION else 1
    if len(parts) <= place or parts[place][0] != SEQUENCE:
        raise DerSyntaxError("a TBSCertificate without a signature algorithm")
    encoded = [tlv(tag, value) for tag, value in parts]
    encoded[place] = algorithm
    return tlv(SEQUENCE, b"".join(encoded))


def signed(tbs: bytes, algorithm: bytes, signature: bytes) -> bytes:
    """Return a Certificate of its three parts."""
    return tlv(SEQUENCE, tbs + algorithm + tlv(BIT_STRING, b"\x00" + signature))
