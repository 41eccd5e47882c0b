"""Where a lab asks whether a certificate is revoked: the tester's OCSP responder and its revocation lists.

Certificates are minted with ``sbi.client_ca``, each with a serial number of its own, and point to the tester: by their
AIA to a responder (RFC 6960), or by their distribution point to a list (RFC 5280). What is told of each is set before
it is shown, right or wrong in one thing.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
from typing import TYPE_CHECKING, Literal
from urllib.parse import unquote

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID

from imsproof.actors.certificates import DAY, Issuer
from imsproof.link.tlslisten import address_toward
from imsproof.link.webserver import Fetched, Served, WebServer

if TYPE_CHECKING:
    from imsproof.actors.certificates import CertificateMaker
    from imsproof.actors.nfidentity import NfIdentity
    from imsproof.link.session import Session
    from imsproof.profile.sbi import Revocation
    from imsproof.seams import Address

Told = Literal[
    "good", "good, by a delegate", "revoked", "no answer", "of another", "stale", "of a stranger", "of no delegate"
]
"""What is told of a certificate: its status; none; or good, in a response or list that is wrong in one thing.

``of another`` (OCSP only) speaks of another serial number, ``stale`` was to be renewed yesterday, ``of a stranger`` is
signed by an authority that the lab does not know, in the real one's name, ``of no delegate`` (OCSP only) by an NF of
the real authority that may sign no such thing, and ``good, by a delegate`` by one that may.
"""
OCSP_TYPE, CRL_TYPE = "application/ocsp-response", "application/pkix-crl"
HOUR = dt.timedelta(hours=1)
UNAVAILABLE = 503


class StatusServer:
    """The tester's responder and list server, and the certificates that point to it.

    Attributes:
        exchange: the conversation with everything that was asked of it.
    """

    def __init__(self, session: Session, maker: CertificateMaker, toward: Address) -> None:
        """Listen at the address from which ``toward`` is reached, until the session ends.

        Raises:
            InconclusiveError: the profile has no ``sbi.client_ca``.
            HarnessError: no port can be had.
        """
        self._maker = maker
        self._issuer = maker.trusted
        self._told: dict[int, Told] = {}
        self._delegates: dict[str, Issuer] = {}
        self.exchange = session.exchange("what is asked of the tester's responder")
        host = address_toward(session, toward)
        self._web: WebServer = session.run(
            WebServer.open(session, "tester-responder", self.exchange, host, self._answer)
        )

    def pointers(self, revocation: Revocation) -> tuple[x509.ExtensionType, ...]:
        """What sends a lab that asks for a certificate's status here; unless told otherwise, each is good."""
        point = self._point("good") if revocation.crl else None
        return tuple(one for one in (self._responder() if revocation.ocsp else None, point) if one is not None)

    def with_responder(self, told: Told) -> NfIdentity:
        """Mint a certificate that names the responder, of which this is told."""
        return self._mint(told, self._responder())

    def with_list(self, told: Told) -> NfIdentity:
        """Mint a certificate with a distribution point of its own, whose list tells this of it."""
        return self._mint(told, self._point(str(len(self._told))))

    def _responder(self) -> x509.AuthorityInformationAccess:
        where = x509.UniformResourceIdentifier(f"{self._web.url}/ocsp")
        return x509.AuthorityInformationAccess([x509.AccessDescription(AuthorityInformationAccessOID.OCSP, where)])

    def _point(self, name: str) -> x509.CRLDistributionPoints:
        where = x509.UniformResourceIdentifier(f"{self._web.url}/crl/{name}.crl")
        return x509.CRLDistributionPoints([x509.DistributionPoint([where], None, None, None)])

    def _mint(self, told: Told, where: x509.ExtensionType) -> NfIdentity:
        identity = self._maker.leaf(f"status: {told}", self._issuer, changes=[(where, False)])
        serial = x509.load_pem_x509_certificate(identity.certificate or b"").serial_number
        self._told[serial] = told
        return identity

    # --- answers ------------------------------------------------------------------------------------------------

    def _answer(self, fetched: Fetched) -> Served:
        if fetched.path.startswith("/crl/"):
            number = fetched.path.removeprefix("/crl/").removesuffix(".crl")
            serials = list(self._told)
            known = number.isdecimal() and int(number) < len(serials)
            return self._list(serials[int(number)] if known else 0)
        try:
            asked = ocsp.load_der_ocsp_request(_request_of(fetched))
        except (ValueError, binascii.Error):
            return Served(OCSP_TYPE, _error(ocsp.OCSPResponseStatus.MALFORMED_REQUEST))
        return Served(OCSP_TYPE, self._response(asked))

    def _response(self, asked: ocsp.OCSPRequest) -> bytes:
        told = self._told.get(asked.serial_number, "good")
        if told == "no answer":
            return _error(ocsp.OCSPResponseStatus.TRY_LATER)
        signer = self._signer(told)
        now = dt.datetime.now(dt.UTC)
        start, end = (now - 3 * DAY, now - DAY) if told == "stale" else (now - HOUR, now + HOUR)
        revoked = told == "revoked"
        builder = ocsp.OCSPResponseBuilder().add_response_by_hash(
            issuer_name_hash=asked.issuer_name_hash,
            issuer_key_hash=asked.issuer_key_hash,
            serial_number=asked.serial_number ^ (told == "of another"),
            algorithm=asked.hash_algorithm,
            cert_status=ocsp.OCSPCertStatus.REVOKED if revoked else ocsp.OCSPCertStatus.GOOD,
            this_update=start,
            next_update=end,
            revocation_time=now - HOUR if revoked else None,
            revocation_reason=x509.ReasonFlags.key_compromise if revoked else None,
        )
        builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, signer.certificate)
        builder = builder.certificates([signer.certificate])  # its issuer's too: Apache httpd looks for it nowhere else
        for extension in asked.extensions:
            if isinstance(extension.value, x509.OCSPNonce):
                builder = builder.add_extension(extension.value, critical=False)
        return builder.sign(signer.key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)

    def _list(self, serial: int) -> Served:
        told = self._told.get(serial, "good")
        if told == "no answer":
            return Served(status=UNAVAILABLE)
        signer = self._signer(told)
        now = dt.datetime.now(dt.UTC)
        start, end = (now - 3 * DAY, now - DAY) if told == "stale" else (now - HOUR, now + HOUR)
        identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._issuer.certificate.public_key())  # type: ignore[arg-type]
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self._issuer.certificate.subject)
            .last_update(start)
            .next_update(end)
            .add_extension(identifier, critical=False)
            .add_extension(x509.CRLNumber(1), critical=False)
        )
        if told == "revoked":
            entry = x509.RevokedCertificateBuilder(serial_number=serial, revocation_date=now - HOUR).build()
            builder = builder.add_revoked_certificate(entry)
        return Served(CRL_TYPE, builder.sign(signer.key, hashes.SHA256()).public_bytes(serialization.Encoding.DER))

    def _signer(self, told: Told) -> Issuer:
        """Who signs; made once, for each way of being wrong."""
        if told not in ("good, by a delegate", "of a stranger", "of no delegate"):
            return self._issuer
        if told not in self._delegates:
            self._delegates[told] = self._delegate(told)
        return self._delegates[told]

    def _delegate(self, told: Told) -> Issuer:
        if told == "of a stranger":
            return self._maker.root("", name=self._issuer.certificate.subject)
        usage = ExtendedKeyUsageOID.OCSP_SIGNING if told == "good, by a delegate" else ExtendedKeyUsageOID.CLIENT_AUTH
        key = ec.generate_private_key(ec.SECP256R1())
        made = self._maker.leaf(told, self._issuer, key=key, changes=[(x509.ExtendedKeyUsage([usage]), False)])
        return Issuer(x509.load_pem_x509_certificate(made.certificate or b""), key)


def _request_of(fetched: Fetched) -> bytes:
    """The request: a body, or the last part of the path (RFC 6960 appendix A.1)."""
    if fetched.method == "POST":
        return fetched.body
    text = unquote(fetched.path).removeprefix("/ocsp").lstrip("/")
    return base64.b64decode(text + "=" * (-len(text) % 4))


def _error(status: ocsp.OCSPResponseStatus) -> bytes:
    return ocsp.OCSPResponseBuilder.build_unsuccessful(status).public_bytes(serialization.Encoding.DER)
