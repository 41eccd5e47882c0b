"""Facts about SIP messages for the journal."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from imsproof.link.facts import sip_facts

OPTIONS = b"OPTIONS sip:a@ims.example SIP/2.0\r\nCall-ID: c1\r\nCSeq: 3 OPTIONS\r\n\r\n"


def test_a_request_shows_method_call_id_and_cseq() -> None:
    assert sip_facts(OPTIONS) == {"sip": "request", "method": "OPTIONS", "call_id": "c1", "cseq": "3 OPTIONS"}


def test_a_response_shows_its_status_and_the_method_of_its_cseq() -> None:
    facts = sip_facts(b"SIP/2.0 401 Unauthorized\r\ni: c1\r\nCSeq: 1 REGISTER\r\n\r\n")
    assert facts == {"sip": "response", "status": 401, "method": "REGISTER", "call_id": "c1", "cseq": "1 REGISTER"}


@given(st.binary(max_size=300))
def test_any_bytes_give_facts_or_none_and_never_an_error(data: bytes) -> None:
    assert sip_facts(data).get("sip", "") in ("", "request", "response")
