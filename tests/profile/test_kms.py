"""What a profile says of a KMS, and what of it is secret."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError
from tests.lab.test_network import PROFILE

from imsproof.lab.kms.users import IDENTITY, USERS
from imsproof.profile.kms import Kms, KmsUser

URL = "https://192.0.2.1:8444/keymanagement"


def users(*psks: Any) -> Kms:
    made = [{"identity": f"sip:u{number}@a.example", "psk": psk} for number, psk in enumerate(psks)]
    return Kms.model_validate({"request": URL, "resolve": URL, "users": made})


def test_keys_are_read_from_hexadecimal_and_written_so() -> None:
    kms = users("00" * 16, "11" * 32)
    assert kms.users[1].psk == b"\x11" * 32
    assert kms.model_dump(mode="json")["users"][0]["psk"] == "00" * 16
    assert KmsUser(identity="sip:a", psk=bytes(16)).psk == bytes(16)


@pytest.mark.parametrize("psk", ["", "00", "zz" * 16, "00" * 65])
def test_other_keys_are_mistakes(psk: str) -> None:
    with pytest.raises(ValidationError, match="16 to 64 bytes"):
        users(psk)


def test_the_labs_users_are_those_of_the_reference_profile() -> None:
    declared = PROFILE["kms"]
    assert declared["identity"] == IDENTITY
    assert [(one["identity"], one["psk_id"], bytes.fromhex(one["psk"])) for one in declared["users"]] == [
        (user.identity, user.psk_id, user.psk) for user in USERS
    ]
