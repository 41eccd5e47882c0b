"""Who shares a key with the lab's KMS: data that profiles/reference.yaml repeats for the tester."""

from __future__ import annotations

from dataclasses import dataclass

IDENTITY = "sip:kms@ims.example"


@dataclass(frozen=True, slots=True)
class KmsUser:
    """A user: identity, name of the pre-shared key (a B-TID where the key comes from GBA), and the key."""

    identity: str
    psk_id: str
    psk: bytes


USERS = (
    KmsUser("sip:alice@ims.example", "alice-key@bsf.ims.example", bytes(range(32))),
    KmsUser("sip:bob@ims.example", "bob-key@bsf.ims.example", bytes(range(64, 96))),
    KmsUser("sip:carol@ims.example", "carol-key@bsf.ims.example", bytes(range(128, 160))),
)
