"""Offers that make no sense are refused, good ones are not."""

from __future__ import annotations

import pytest

from imsproof.codec.sdp import Fingerprint, Sdp, SdpSyntaxError, data_channel_offer
from imsproof.codec.torture import sdp
from imsproof.lab.sip import offers

GOOD = data_channel_offer("192.0.2.1", 9, fingerprints=[Fingerprint("SHA-256", sdp.SHA256)], tls_id="a" * 20)


def channel(name: str) -> Sdp:
    one = next(one for one in sdp.ALL if one.name == name)
    return Sdp.parse(one.body(GOOD.to_bytes()))


def check(description: Sdp) -> None:
    section = description.data_channel()
    assert section is not None
    offers.check_channel(description, section)


def test_a_good_offer_passes() -> None:
    check(GOOD)
    check(channel("dc-fingerprints"))
    check(channel("dc-fingerprint-case"))


@pytest.mark.parametrize(
    "name",
    [
        "no-address",
        "address-range",
        "address-long",
        "dc-no-fingerprint",
        "dc-fingerprint-hash",
        "dc-fingerprint-short",
        "dc-fingerprint-long",
        "dc-setup-holdconn",
        "dc-stream-reserved",
        "dc-stream-repeated",
    ],
)
def test_a_senseless_offer_is_refused(name: str) -> None:
    with pytest.raises(SdpSyntaxError):
        check(channel(name))


def test_a_host_name_is_an_address() -> None:
    named = Sdp.parse(GOOD.to_bytes().replace(b"192.0.2.1", b"media.example.com"))
    check(named)


@pytest.mark.parametrize("name", ["dc-fingerprints", "dc-fingerprint-case", "dc-size-zero"])
def test_the_planted_flaw_refuses_what_is_unusual_and_nothing_else(name: str) -> None:
    good, odd = GOOD.data_channel(), channel(name).data_channel()
    assert good is not None
    assert odd is not None
    offers.check_form(good)
    with pytest.raises(SdpSyntaxError):
        offers.check_form(odd)
