"""The key management service (KMS) that gives keys for end-to-end media security, as MIKEY-TICKET over HTTP."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema

from imsproof.profile.kinds import REFERENCE, File, HttpUrl, Part, Text


def _psk(value: object) -> bytes:
    if isinstance(value, bytes):
        return value
    try:
        found = bytes.fromhex(str(value))
    except ValueError:
        found = b""
    if not 16 <= len(found) <= 64:
        raise ValueError("16 to 64 bytes in hexadecimal")
    return found


Psk = Annotated[
    bytes,
    BeforeValidator(_psk),
    PlainSerializer(lambda value: value.hex(), return_type=str),
    WithJsonSchema({"type": "string", "pattern": f"^[0-9A-Fa-f :]{{32,}}$|{REFERENCE}"}),
]


class KmsUser(Part):
    """A user of the KMS, whom the tester plays."""

    identity: Text = Field(description="The user's public identity, as tickets name it.")
    psk_id: Text | None = Field(
        None, description="Name of the pre-shared key (with GBA the B-TID); none is sent if absent."
    )
    psk: Psk = Field(description="The key that the user shares with the KMS (with GBA Ks_NAF), in hexadecimal.")


class Kms(Part):
    """How the KMS is reached, and who may ask it."""

    request: HttpUrl = Field(description="URL that Ticket Requests are posted to.")
    resolve: HttpUrl = Field(description="URL that Ticket Resolves are posted to.")
    identity: Text | None = Field(None, description="The KMS' own identity (IDRkms); none is sent if absent.")
    content_type: Text = Field("application/mikey", description="Content-Type of requests.")
    ca: File | None = Field(None, description="PEM of the CA of its TLS certificate.")
    server_name: Text | None = Field(None, description="Name in its TLS certificate (SNI).")
    users: tuple[KmsUser, ...] = Field((), description="Users; three of them show who may resolve a ticket.")
