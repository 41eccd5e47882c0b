"""Secrets are found as they are, in hex and in base64; what crossed the wire stays."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.evidence import samples

from imsproof.evidence.redact import MARK, Redactor
from imsproof.seams import Kind

K = "465b5ce8b199b49faa5f0a2ee238a6bc"


@given(st.binary(min_size=8, max_size=40), st.text("xyz ", max_size=5), st.text("xyz ", max_size=5))
def test_no_form_of_a_secret_is_left(secret: bytes, before: str, after: str) -> None:
    """Raw hex in either case, base64 and its URL form."""
    redactor = Redactor([secret])
    for form in (secret.hex(), secret.hex().upper(), base64.b64encode(secret).decode()):
        assert redactor.text(before + form + after) == before + MARK + after


@given(st.text(max_size=60))
def test_without_secrets_text_stays(text: str) -> None:
    """Nothing is redacted where nothing is secret."""
    assert Redactor([]).text(text) == text
    assert Redactor([""]).text(text) == text


def test_hex_digits_are_known_as_bytes_too() -> None:
    """A key given in hex is found in base64."""
    assert Redactor([K]).text(f"k={base64.b64encode(bytes.fromhex(K)).decode()}") == f"k={MARK}"


@pytest.mark.parametrize(("text", "expected"), [("abc", MARK), ("ABC", MARK), ("abcd", "abcd"), ("/abc/x", "/abc/x")])
def test_a_short_secret_is_redacted_only_as_a_whole(text: str, expected: str) -> None:
    """The password abc does not make every word that holds it unreadable."""
    assert Redactor(["abc"]).text(text) == expected


def test_a_private_key_is_found_by_its_lines() -> None:
    """A PEM that was wrapped differently is redacted line by line."""
    lines = ["A" * 64, "B" * 64]
    pem = "\n".join(["-----BEGIN PRIVATE KEY-----", *lines, "-----END PRIVATE KEY-----", ""])
    assert "AAAA" not in Redactor([pem]).text(f"loaded {lines[0]} and {lines[1]}")


def test_facts_and_notes_are_redacted_and_the_wire_is_not() -> None:
    """An event's data is evidence; a note's is ours."""
    redactor = Redactor([K])
    sent = redactor.event(samples.event(1, Kind.SENT, K.encode(), deep=[{"k": K, "n": 1}]))
    assert sent.data == K.encode()
    assert sent.facts == {"deep": [{"k": MARK, "n": 1}]}
    assert redactor.event(samples.event(1, Kind.NOTE, b"\xff" + K.encode())).data == b"\xff" + MARK.encode()


def test_judgements_are_redacted() -> None:
    """A sentence that quotes a key does not keep it."""
    assert K not in Redactor([K]).judgement(samples.judgement(sentence=f"K is {K}")).sentence
