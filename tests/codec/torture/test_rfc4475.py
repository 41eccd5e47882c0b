"""The corpus of RFC 4475 is whole, repeatable, and addressed to the lab."""

from __future__ import annotations

from imsproof.codec.torture import Aim, Kind, rfc4475
from imsproof.codec.torture.draft import Reaction


def test_all_49_messages_are_there_once() -> None:
    assert len(rfc4475.ALL) == len(rfc4475.BY_NAME) == 49
    assert len(rfc4475.messages(Aim())) == 49


def test_sections_are_those_of_the_rfc_and_none_stands_twice() -> None:
    sections = [one.source for one in rfc4475.ALL]
    assert len(set(sections)) == 49
    assert sum("3.1.1." in one for one in sections) == 13
    assert sum("3.1.2." in one for one in sections) == 19
    assert sum("3.3." in one for one in sections) == 15


def test_the_same_aim_gives_the_same_bytes_and_another_token_others() -> None:
    assert rfc4475.messages(Aim()) == rfc4475.messages(Aim())
    other = rfc4475.messages(Aim(token="f" * 16))
    assert all(other[name] != data for name, data in rfc4475.messages(Aim()).items())


def test_valid_requests_must_be_processed_by_a_proxy() -> None:
    requests = [one for one in rfc4475.ALL if one.kind is Kind.VALID and one not in rfc4475.RESPONSES]
    assert all(Reaction.PROCESS in one.proxy for one in requests)
