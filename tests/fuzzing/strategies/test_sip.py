"""SIP strategies: what is called valid is valid for an independent parser and for the reference lab's door."""

from __future__ import annotations

import sipmessage
from hypothesis import given, settings

from imsproof.codec.secagree import parse_mechanisms
from imsproof.codec.sip import Message
from imsproof.fuzzing.strategies.sip import agreeing_sip, nearly_valid_sip, security_client, valid_sip
from imsproof.lab.sip.validate import check

few = settings(max_examples=40, deadline=None)


@few
@given(valid_sip())
def test_valid_sip_is_read_by_an_independent_parser_and_let_in_by_the_lab(data: bytes) -> None:
    head = data.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
    assert sipmessage.Message.parse(head)
    assert check(Message.parse(data), datagram=True) is None


@few
@given(agreeing_sip())
def test_a_register_that_agrees_is_valid_too(data: bytes) -> None:
    assert sipmessage.Message.parse(data.partition(b"\r\n\r\n")[0] + b"\r\n\r\n")
    assert check(Message.parse(data), datagram=True) is None


@few
@given(security_client())
def test_security_client_names_spis_and_ports_in_range(data: bytes) -> None:
    first = parse_mechanisms([data.decode()])[0]
    assert first.name == "ipsec-3gpp"
    assert all(0 < int(first.params[name] or 0) < 2**32 for name in ("spi-c", "spi-s", "port-c", "port-s"))


@few
@given(nearly_valid_sip())
def test_nearly_valid_sip_is_bytes_of_bounded_size(data: bytes) -> None:
    assert 0 < len(data) < 200_000
