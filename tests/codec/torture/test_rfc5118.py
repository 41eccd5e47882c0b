"""The corpus of RFC 5118 is whole."""

from __future__ import annotations

from imsproof.codec.torture import Aim, Kind, rfc5118


def test_all_12_messages_are_there_and_one_is_invalid() -> None:
    assert len({one.name for one in rfc5118.ALL}) == 12
    assert [one.name for one in rfc5118.ALL if one.kind is Kind.INVALID] == ["ipv6-bad"]


def test_each_holds_ipv6() -> None:
    assert all(b"2001:db8:" in one.message(Aim()) or b"::ffff:" in one.message(Aim()) for one in rfc5118.ALL)
