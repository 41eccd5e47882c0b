from __future__ import annotations

from datetime import date
from ipaddress import IPv4Address, IPv4Network, IPv6Network

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from imsproof.profile.scope import Scope


def scope(*networks: str) -> Scope:
    return Scope.model_validate({"networks": networks, "authorised_by": "me", "until": "2030-01-31"})


def test_an_address_inside_is_allowed_and_one_outside_is_not() -> None:
    lab = scope("192.0.2.0/24", "2001:db8::/64")
    assert lab.allows("192.0.2.255")
    assert lab.allows("2001:db8::1")
    assert not lab.allows("192.0.3.0")
    assert not lab.allows("2001:db8:0:1::1")


@pytest.mark.parametrize("text", ["", "localhost", "192.0.2.1:80", "192.0.2", "0x7f000001", "192.0.2.1/32", "[::1]"])
def test_what_is_no_address_is_never_allowed(text: str) -> None:
    assert not scope("192.0.2.0/24", "127.0.0.0/8", "::1/128").allows(text)


def test_an_ipv4_address_in_ipv6_clothes_is_the_ipv4_address() -> None:
    assert scope("192.0.2.0/24").allows("::ffff:192.0.2.1")
    assert not scope("192.0.2.0/24").allows("::ffff:198.51.100.1")


@given(st.ip_addresses(v=4))
def test_no_ipv4_address_is_in_an_ipv6_range(ip: IPv4Address) -> None:
    assert not scope("2001:db8::/64", "::/96").allows(str(ip))


def test_ranges_are_kept_as_networks() -> None:
    assert scope("10.0.0.0/8", "fd00::/8").networks == (IPv4Network("10.0.0.0/8"), IPv6Network("fd00::/8"))


def test_a_single_address_is_a_range_of_one() -> None:
    assert scope("192.0.2.7").networks == (IPv4Network("192.0.2.7/32"),)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0.0.0.0/0", "/8 or narrower"),
        ("::/0", "/7 or narrower"),
        ("192.0.2.1/24", "perhaps 192.0.2.0/24"),
        ("lab", "CIDR"),
        ("", "CIDR"),
        ("192.0.2.0/33", "CIDR"),
    ],
)
def test_a_range_that_cannot_be_authorised_is_refused_with_the_reason(text: str, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        scope(text)


def test_a_scope_without_ranges_is_refused() -> None:
    with pytest.raises(ValidationError, match="at least 1"):
        scope()


def test_the_last_day_is_still_authorised() -> None:
    assert not scope("192.0.2.0/24").expired(date(2030, 1, 31))
    assert scope("192.0.2.0/24").expired(date(2030, 2, 1))
