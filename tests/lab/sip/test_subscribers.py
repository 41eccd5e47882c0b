"""The subscribers' data hold together, and the profile repeats them."""

from __future__ import annotations

from imsproof.lab.sip.subscribers import FAR_UE, SUBSCRIBERS, by_impi, by_impu


def test_identities_are_unique_and_secrets_are_whole() -> None:
    assert len(SUBSCRIBERS) >= 8
    everybody = (*SUBSCRIBERS, FAR_UE)
    impus = [impu for one in everybody for impu in one.impus]
    assert len(set(impus)) == len(impus)
    assert len({one.impi for one in everybody}) == len(everybody)
    for one in SUBSCRIBERS:
        assert bool(one.k) != bool(one.password)
        if one.k:
            assert one.functions().f2(bytes(16))
    assert sum(not one.data_channel for one in SUBSCRIBERS) == 2
    assert {one.algorithm for one in SUBSCRIBERS} == {"", "MD5", "SHA-256", "AKAv2-SHA-256"}


def test_look_ups() -> None:
    one = SUBSCRIBERS[0]
    assert by_impi(one.impi) is one
    assert by_impu(one.impus[1]) is one
    assert by_impu(FAR_UE.impus[0]) is FAR_UE
    assert by_impi("nobody") is None
