"""Security agreement headers."""

from __future__ import annotations

import pytest

from imsproof.codec.secagree import format_mechanisms, parse_mechanism, parse_mechanisms, same_list
from imsproof.codec.sipaddress import SipSyntaxError

SERVER = (
    "ipsec-3gpp;q=0.5;alg=hmac-sha-1-96;ealg=aes-cbc;prot=esp;mod=trans;spi-c=1;spi-s=2;port-c=3;port-s=4",
    "tls;q=0.1, ipsec-3gpp;alg=HMAC-SHA-1-96",
)


def test_lists_are_read_in_order_and_written_again() -> None:
    mechanisms = parse_mechanisms(SERVER)
    assert [entry.name for entry in mechanisms] == ["ipsec-3gpp", "tls", "ipsec-3gpp"]
    assert mechanisms[0].q == "0.5"
    assert parse_mechanisms([format_mechanisms(mechanisms)]) == mechanisms


def test_missing_parameters_have_their_meaning() -> None:
    entry = parse_mechanism("ipsec-3gpp;alg=HMAC-SHA-1-96")
    assert (entry.get("alg"), entry.get("ealg"), entry.get("mod"), entry.get("x")) == (
        "hmac-sha-1-96",
        "null",
        "trans",
        None,
    )
    assert parse_mechanism("tls").get("ealg") is None


def test_preference_is_a_number() -> None:
    order = sorted(
        (parse_mechanism(f"tls{q}") for q in (";q=0.09", ";q=0.1", "", ";q=x")), key=lambda entry: entry.preference
    )
    assert [entry.q for entry in order][-2:] == ["0.09", "0.1"]


def test_verify_must_be_the_same_list() -> None:
    sent = parse_mechanisms(SERVER)
    assert same_list(sent, parse_mechanisms([format_mechanisms(sent)]))
    assert same_list(
        [sent[0]],
        [
            parse_mechanism(
                "ipsec-3gpp;alg=HMAC-SHA-1-96;q=0.5;ealg=aes-cbc;mod=trans;prot=esp;port-s=4;spi-c=1;spi-s=2;port-c=3"
            )
        ],
    )
    assert not same_list(sent, sent[:-1])
    assert not same_list(sent, sent[::-1])
    assert not same_list(sent, [*sent, sent[0]])


def test_an_entry_without_name_is_refused() -> None:
    with pytest.raises(SipSyntaxError):
        parse_mechanism(";q=1")
