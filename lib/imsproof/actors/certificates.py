"""Client certificates that a lab must refuse: each is the authorised consumer's own, with one thing wrong.

Names and extensions are copied from the consumer's certificate, so that what a lab refuses is the flaw and nothing
else. Those that only a trusted authority could issue are minted with the profile's ``sbi.client_ca``.
"""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from imsproof.codec import derfield
from imsproof.link.tls import read_pem
from imsproof.seams import HarnessError, InconclusiveError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imsproof.actors.nfidentity import NfIdentity
    from imsproof.profile.sbi import KeyPair

DAY = dt.timedelta(days=1)
LONG_CHAIN = 30
WEAK_RSA = 1024
"""Bits: below the 2048 that TS 33.310 asks of RSA keys."""
EDGE_IDENTIFIERS = (x509.AuthorityKeyIdentifier, x509.SubjectKeyIdentifier)
Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@dataclass(frozen=True, slots=True)
class Issuer:
    """Who signs: certificate, key, and the certificates that go with what it signs (itself, unless it is a root)."""

    certificate: x509.Certificate
    key: Key
    chain: tuple[x509.Certificate, ...] = ()


class CertificateMaker:
    """Makes variants of one consumer's certificate.

    Args:
        model: the authorised consumer.
        client_ca: the authority that the lab trusts, where the profile has one.
        pointers: extensions of everything that is made: where its status is told, for a lab that asks.
    """

    def __init__(
        self, model: NfIdentity, client_ca: KeyPair | None, pointers: Sequence[x509.ExtensionType] = ()
    ) -> None:
        if model.certificate is None or model.key is None:
            raise HarnessError("the consumer has no certificate to copy: fill in sbi.consumers")
        self.model = model
        self.chain = _certificates(model.certificate)
        self.own = Issuer(self.chain[0], load_key(model.key), tuple(self.chain))
        self._client_ca = client_ca
        self._pointers = tuple(pointers)
        self.now = dt.datetime.now(dt.UTC)

    @property
    def trusted(self) -> Issuer:
        """The authority that the lab trusts (``InconclusiveError`` without one)."""
        if self._client_ca is None:
            raise InconclusiveError("sbi.client_ca is not given (a CA that the lab trusts)")
        found = _certificates(read_pem(self._client_ca.certificate))
        chain = tuple(one for one in found if one.issuer != one.subject)
        return Issuer(found[0], load_key(read_pem(self._client_ca.key)), chain)

    # --- right and wrong ----------------------------------------------------------------------------------------

    def good(self) -> NfIdentity:
        """As the trusted authority should issue it: the control of everything that it mints."""
        return self.leaf("minted", self.trusted)

    def of_unknown_authority(self) -> NfIdentity:
        """Issued by an authority that the lab does not know, with the whole chain."""
        root = self.root("imsproof untrusted CA")
        return self.leaf("untrusted", replace(root, chain=(root.certificate,)))

    def of_namesake_authority(self) -> NfIdentity:
        """Issued by an authority that has the name of the consumer's real one, but another key."""
        return self.leaf("namesake", self.root("", name=self.own.certificate.issuer))

    def self_signed(self) -> NfIdentity:
        """Signed with its own key."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._sign(self._leaf(key, self.own.certificate.subject), Issuer(self.own.certificate, key))
        return self._identity("self-signed", key, [certificate])

    def expired(self) -> NfIdentity:
        """Its validity ended yesterday."""
        return self.leaf("expired", self.trusted, start=self.now - 30 * DAY, end=self.now - DAY)

    def not_yet_valid(self) -> NfIdentity:
        """Its validity begins tomorrow."""
        return self.leaf("not yet valid", self.trusted, start=self.now + DAY, end=self.now + 30 * DAY)

    def server_only(self) -> NfIdentity:
        """For TLS servers only: no clientAuth among its extended key usages."""
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
        return self.leaf("server only", self.trusted, changes=[(usage, False)])

    def weak_key(self) -> NfIdentity:
        """With an RSA key of 1024 bits."""
        weak = rsa.generate_private_key(65537, WEAK_RSA)
        return self.leaf("weak key", self.trusted, key=weak)

    def sha1_signature(self) -> NfIdentity:
        """Signed with SHA-1."""
        key = ec.generate_private_key(ec.SECP256R1())
        issuer = self.trusted
        builder = self._leaf(key, issuer.certificate.subject, signer=issuer)
        certificate = with_sha1(self._sign(builder, issuer), issuer.key)
        return self._identity("SHA-1", key, [certificate, *issuer.chain])

    def issued_by_end_entity(self) -> NfIdentity:
        """Issued by the consumer itself, which is no authority."""
        return self.leaf("issued by an end entity", self.own)

    def of_other_instance(self) -> NfIdentity:
        """The same subject, but the SAN of another NF instance: the SAN is what counts."""
        stranger = uuid.uuid4()
        names: list[x509.GeneralName] = [
            x509.DNSName("another-nf.invalid"),
            x509.UniformResourceIdentifier(f"urn:uuid:{stranger}"),
        ]
        return self.leaf("another instance", self.trusted, changes=[(x509.SubjectAlternativeName(names), True)])

    def missing_link(self) -> NfIdentity:
        """Issued by an authority below the trusted one that is not sent along."""
        between = self.authority("imsproof intermediate CA", self.trusted)
        return self.leaf("missing link", replace(between, chain=()))

    def loop(self) -> NfIdentity:
        """A chain that goes round in a circle: two authorities that issued each other."""
        first, second = self.root("imsproof loop CA 1"), self.root("imsproof loop CA 2")
        first_by_second = self._sign(self._authority(first.key, first.certificate.subject, second), second)
        second_by_first = self._sign(self._authority(second.key, second.certificate.subject, first), first)
        return self.leaf("loop", Issuer(first_by_second, first.key, (first_by_second, second_by_first)))

    def long_chain(self) -> NfIdentity:
        """Below many authorities, the last of which is not trusted."""
        issuer = self.root("imsproof long CA 0")
        issuer = replace(issuer, chain=(issuer.certificate,))
        for number in range(1, LONG_CHAIN):
            issuer = self.authority(f"imsproof long CA {number}", issuer)
        return self.leaf("long chain", issuer)

    # --- building -----------------------------------------------------------------------------------------------

    def leaf(
        self,
        name: str,
        issuer: Issuer,
        *,
        key: Key | None = None,
        start: dt.datetime | None = None,
        end: dt.datetime | None = None,
        changes: Sequence[tuple[x509.ExtensionType, bool]] = (),
    ) -> NfIdentity:
        """Issue a copy of the model's certificate with these changes; ``changes`` replace extensions of their kind."""
        own = key or ec.generate_private_key(ec.SECP256R1())
        builder = self._leaf(own, issuer.certificate.subject, start, end, changes, issuer)
        return self._identity(name, own, [self._sign(builder, issuer), *issuer.chain])

    def root(self, common_name: str, *, name: x509.Name | None = None) -> Issuer:
        """Make an authority that nobody trusts."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = name or _name(common_name)
        made = Issuer(self.own.certificate, key)
        return Issuer(self._sign(self._authority(key, subject, None), made), key)

    def authority(self, common_name: str, issuer: Issuer) -> Issuer:
        """Make an authority below another."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._sign(self._authority(key, _name(common_name), issuer), issuer)
        return Issuer(certificate, key, (certificate, *issuer.chain))

    def _leaf(
        self,
        key: Key,
        issuer: x509.Name,
        start: dt.datetime | None = None,
        end: dt.datetime | None = None,
        changes: Sequence[tuple[x509.ExtensionType, bool]] = (),
        signer: Issuer | None = None,
    ) -> x509.CertificateBuilder:
        model = self.own.certificate
        builder = _builder(model.subject, issuer, key, start or self.now - DAY, end or self.now + 30 * DAY)
        named = {type(value) for value, _ in changes}
        changes = [*changes, *((value, False) for value in self._pointers if type(value) not in named)]
        changed = {type(value) for value, _ in changes}
        for extension in model.extensions:
            if type(extension.value) not in {*changed, *EDGE_IDENTIFIERS}:
                builder = builder.add_extension(extension.value, extension.critical)
        for value, critical in changes:
            builder = builder.add_extension(value, critical)
        public = signer.certificate.public_key() if signer else key.public_key()
        identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(public)  # type: ignore[arg-type]
        return builder.add_extension(identifier, critical=False).add_extension(
            x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
        )

    def _authority(self, key: Key, subject: x509.Name, issuer: Issuer | None) -> x509.CertificateBuilder:
        above = issuer.certificate.subject if issuer else subject
        return (
            _builder(subject, above, key, self.now - DAY, self.now + 30 * DAY)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(_SIGNS, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        )

    def _sign(self, builder: x509.CertificateBuilder, issuer: Issuer) -> x509.Certificate:
        return builder.sign(issuer.key, hashes.SHA256())

    def _identity(self, name: str, key: Key, chain: Sequence[x509.Certificate]) -> NfIdentity:
        return replace(
            self.model,
            name=name,
            certificate=b"".join(one.public_bytes(serialization.Encoding.PEM) for one in chain),
            key=key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            ),
        )


_SIGNS = x509.KeyUsage(
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=True,
    encipher_only=False,
    decipher_only=False,
)


def load_key(pem: bytes) -> Key:
    """Load an EC or RSA key (``HarnessError`` for anything else)."""
    try:
        key = serialization.load_pem_private_key(pem, None)
    except (ValueError, TypeError) as error:
        raise HarnessError(f"a private key of the profile cannot be read: {error}") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        raise HarnessError(
            f"a private key of the profile is of a kind that is not used on the SBI: {type(key).__name__}"
        )
    return key


def with_sha1(certificate: x509.Certificate, key: Key) -> x509.Certificate:
    """Return the certificate signed anew with SHA-1, which the library refuses to do by itself."""
    elliptic = isinstance(key, ec.EllipticCurvePrivateKey)
    algorithm = derfield.ECDSA_SHA1 if elliptic else derfield.RSA_SHA1
    text = derfield.with_signature_algorithm(certificate.tbs_certificate_bytes, algorithm)
    digest: Any = hashes.SHA1()  # noqa: S303 - wrong on purpose
    if isinstance(key, ec.EllipticCurvePrivateKey):
        signature = key.sign(text, ec.ECDSA(digest))
    else:
        signature = key.sign(text, padding.PKCS1v15(), digest)
    return x509.load_der_x509_certificate(derfield.signed(text, algorithm, signature))


def _certificates(pem: bytes) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(pem)
    except ValueError as error:
        raise HarnessError(f"a certificate of the profile cannot be read: {error}") from error


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, common_name)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: Key, start: dt.datetime, end: dt.datetime
) -> x509.CertificateBuilder:
    return x509.CertificateBuilder(
        issuer_name=issuer,
        subject_name=subject,
        public_key=key.public_key(),
        serial_number=x509.random_serial_number(),
        not_valid_before=start,
        not_valid_after=end,
    )
