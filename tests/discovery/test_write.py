"""A draft profile says what was seen, and leaves what only its owner knows as comments."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from imsproof.discovery import Discovery, profile_text
from imsproof.discovery.sip import SipFound
from imsproof.discovery.tls import TlsFound
from imsproof.profile import loads


def text(*found: Discovery) -> str:
    return profile_text("lab", found, authorised_by="me", until=date(2099, 1, 1))


def test_ipv6_and_digest() -> None:
    node = SipFound("udp", ("::1", 5060), "SIP/2.0 200 OK", realm="home", algorithms=("SHA-256", "MD5"))
    draft = text(Discovery("::1", sip=[node]))
    profile = loads(draft, source="draft", base=Path())
    assert profile.gm is not None
    assert profile.gm.domain == "home"
    assert profile.gm.udp == ("::1", 5060)
    assert "password" in draft
    assert "SHA-256, MD5" in draft


def test_an_nrf_is_told_from_a_producer() -> None:
    servers = [
        TlsFound(("127.0.0.1", 8443), ("TLSv1.3",), names=("urn:uuid:1", "mf.x")),
        TlsFound(("127.0.0.2", 8443), ("TLSv1.3",), nrf=True),
    ]
    profile = loads(text(Discovery("127.0.0.1", tls=servers), Discovery("127.0.0.2")), source="draft", base=Path())
    assert profile.sbi is not None
    assert [one.fqdn for one in profile.sbi.producers] == ["mf.x"]
    assert profile.sbi.nrf is not None
