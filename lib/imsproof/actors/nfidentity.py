"""Who an NF consumer is, on the TLS layer and in tokens."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from imsproof.link.tls import read_pem

if TYPE_CHECKING:
    from imsproof.profile.sbi import KeyPair


@dataclass(frozen=True, slots=True)
class NfIdentity:
    """Who an NF consumer is, on the TLS layer and in tokens.

    Attributes:
        name: for the journal.
        certificate, key: PEM, or ``None`` for a client without a certificate.
        nf_type, instance_id: what it says of itself in token requests.
    """

    name: str
    certificate: bytes | None = None
    key: bytes | None = None
    nf_type: str = ""
    instance_id: str = ""

    @classmethod
    def of(cls, pair: KeyPair) -> NfIdentity:
        """The identity of a consumer (or a mere key pair) of the profile."""
        return cls(
            name=getattr(pair, "name", "rogue"),
            certificate=read_pem(pair.certificate),
            key=read_pem(pair.key),
            nf_type=getattr(pair, "nf_type", None) or "",
            instance_id=getattr(pair, "instance_id", None) or "",
        )

    def without_certificate(self) -> NfIdentity:
        """The same consumer without a certificate."""
        return replace(self, certificate=None, key=None)
