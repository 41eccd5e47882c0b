"""Crypto lines at the IMS-AGW: which can be used, the gateway's own keys, and each fault."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from tests.lab.media.support import box

from imsproof.codec.sdp import MediaSection, audio_section
from imsproof.lab.media.errors import MediaRefusedError
from imsproof.lab.media.sdeslines import KeyMaker, answer, choose

MANDATORY = "AES_CM_128_HMAC_SHA1_80"
KEY = base64.b64encode(bytes(range(30))).decode()
SHORT = base64.b64encode(bytes(20)).decode()


def audio(*lines: str) -> MediaSection:
    return audio_section(4000, proto="RTP/SAVP", attributes=[f"crypto:{line}" for line in lines])


def policy(*careless: str, **media: Any) -> Any:
    return box(srtp_careless=careless, **media).current.media


@pytest.mark.parametrize("key", [KEY, f"{KEY}|2^20"])
def test_the_first_line_that_can_be_used_is_taken(key: str) -> None:
    found = choose(policy(), audio(f"1 UNKNOWN inline:{KEY}", f"2 {MANDATORY} inline:{key}"))
    assert (found.crypto.tag, found.suite.sdes, found.master) == (2, MANDATORY, bytes(range(30)))


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        (f"1 UNKNOWN inline:{KEY}", ""),
        (f"1 {MANDATORY} inline:{SHORT}", "any-key"),
        (f"1 {MANDATORY} inline:{KEY} UNENCRYPTED_SRTP", "parameters"),
        (f"1 {MANDATORY} inline:{KEY}|2^20|1:4", "mki"),
        (f"{MANDATORY} inline:{KEY}", ""),
        (f"1 {MANDATORY} inline:%%%", ""),
    ],
)
def test_a_line_that_cannot_be_used_is_refused_but_for_its_fault(line: str, fault: str) -> None:
    with pytest.raises(MediaRefusedError, match="without a crypto line"):
        choose(policy(), audio(line))
    if fault:
        assert len(choose(policy(fault), audio(line)).master) == 30


def test_with_the_fault_only_the_first_line_is_read() -> None:
    with pytest.raises(MediaRefusedError):
        choose(policy("first-line-only"), audio("1 UNKNOWN inline:AAAA", f"2 {MANDATORY} inline:{KEY}"))


def test_a_suite_that_is_not_served_is_passed_over() -> None:
    with pytest.raises(MediaRefusedError):
        choose(policy(srtp_suites=("AEAD_AES_128_GCM",)), audio(f"1 {MANDATORY} inline:{KEY}"))


def test_keys_are_fresh_and_the_faults_are_not() -> None:
    keys, chosen = KeyMaker(), choose(policy(), audio(f"1 {MANDATORY} inline:{KEY}")).suite
    assert keys.fresh(policy(), chosen) != keys.fresh(policy(), chosen)
    fixed = policy(srtp_key_per_call=False)
    assert keys.fresh(fixed, chosen) == keys.fresh(fixed, chosen)
    assert keys.fresh(policy("zero-key"), chosen) == bytes(30)
    first, second = (keys.fresh(policy("counted-key"), chosen) for _ in range(2))
    assert first[:26] == second[:26]
    assert first != second
    assert set(keys.fresh(policy("poor-key"), chosen)) <= set(range(4))


def test_the_answer_repeats_tag_and_suite_but_for_the_faults() -> None:
    taken = choose(policy(), audio(f"7 {MANDATORY} inline:{KEY}"))
    ours = bytes(30)
    right = answer(policy(), taken, ours)
    assert (right.tag, right.suite, right.master(), right.params) == (7, MANDATORY, ours, "")
    assert answer(policy("tag"), taken, ours).tag == 1
    assert answer(policy("suite"), taken, ours).suite != MANDATORY
    assert "UNENCRYPTED" in answer(policy("unasked-parameters"), taken, ours).params
    assert len(answer(policy("cut-key"), taken, ours).master()) == 24
