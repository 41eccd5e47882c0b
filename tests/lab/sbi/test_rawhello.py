"""Hellos that only a flawed server answers: nothing without the flaw, a ServerHello with it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imsproof.actors.tlsprobe import FALLBACK_SCSV, SSL3, client_hello, malformed
from imsproof.codec.tlsrecord import parse_server_flight
from imsproof.codec.tlssuites import CLASSES, GOOD
from imsproof.lab.sbi.rawhello import flawed_answer

FLAWS = {
    **{name: client_hello([next(iter(suites))]) for name, suites in CLASSES.items()},
    "sslv3": client_hello(GOOD, version=SSL3),
    "compression": client_hello(GOOD, compressions=(1, 0)),
    "renegotiation": client_hello(GOOD),
    "master-secret": client_hello(GOOD),
    "fallback": client_hello([*GOOD, FALLBACK_SCSV]),
    "mark": client_hello(GOOD),
    "malformed": malformed("mf.ims.example")[0].data,
}


@pytest.mark.parametrize("flaw", FLAWS)
def test_a_flaw_is_played_for_its_hello_only(flaw: str) -> None:
    answer = flawed_answer(FLAWS[flaw], [flaw])
    assert answer is not None
    assert parse_server_flight(answer).hello is not None
    assert flawed_answer(FLAWS[flaw], []) is None


@pytest.mark.parametrize("flaw", FLAWS)
def test_a_hello_for_tls_1_3_is_left_to_the_library(flaw: str) -> None:
    modern = client_hello(GOOD, extra=((43, b"\x04\x03\x04\x03\x03"),))
    assert flawed_answer(modern, [flaw]) is None


@given(st.binary(max_size=300))
def test_any_octets_are_survived(data: bytes) -> None:
    assert flawed_answer(data, ["RC4", "compression"]) is None or data
