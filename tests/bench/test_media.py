"""Users of the KMS, rightful and not, whose names tell nothing by their length."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from imsproof.seams import InconclusiveError

if TYPE_CHECKING:
    from tests.bench.conftest import MakeBench

USER = "{identity: 'sip:ue-a@d', psk: '00112233445566778899aabbccddeeff'}"
KMS = (
    "kms: {request: 'http://127.0.0.1:9/kms', resolve: 'http://127.0.0.1:9/kms', identity: 'kms@d', "
    f"users: [{USER}]}}\n"
)


def test_fewer_users_of_the_kms_than_asked_for_are_inconclusive(make_bench: MakeBench) -> None:
    with make_bench("", KMS) as bench, pytest.raises(InconclusiveError, match="fewer than 2 users"):
        bench.kms_users(2)


def test_a_stranger_has_another_key_and_another_name_as_long(make_bench: MakeBench) -> None:
    with make_bench("", KMS) as bench:
        (user,) = bench.kms_users(1)
        stranger, impostor = bench.kms_stranger(user), bench.kms_stranger(user, known=True)
        assert stranger.user.identity != user.user.identity
        assert len(stranger.user.identity) == len(user.user.identity)
        assert impostor.user.identity == user.user.identity
        assert user.user.psk not in (stranger.user.psk, impostor.user.psk)
