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


def test_of_several_nodes_the_one_that_challenges_is_the_p_cscf_and_the_others_are_named() -> None:
    core = SipFound("udp", ("127.0.0.2", 5060), "SIP/2.0 200 OK", domain="127.0.0.2", refused="403 No")
    edge = [
        SipFound(name, ("127.0.0.9", port), "SIP/2.0 200 OK", ("INVITE",), "home", ("AKAv1-MD5",), domain="home")
        for name, port in (("udp", 5060), ("tls", 5061))
    ]
    draft = text(Discovery("127.0.0.2", sip=[core]), Discovery("127.0.0.9", sip=edge))
    profile = loads(draft, source="draft", base=Path())
    assert profile.gm is not None
    assert (profile.gm.udp, profile.gm.tls) == (("127.0.0.9", 5060), ("127.0.0.9", 5061))
    assert '#   icscf or scscf: "127.0.0.2:5060"' in draft
    assert "allows INVITE" in draft


def test_a_refused_register_asks_for_the_domain() -> None:
    node = SipFound("udp", ("127.0.0.2", 5060), "SIP/2.0 200 OK", domain="127.0.0.2", refused="403 Not Here")
    assert "a REGISTER for 127.0.0.2 was answered 403 Not Here: is the domain right?" in text(
        Discovery("127.0.0.2", sip=[node])
    )


def test_a_tls_nodes_certificate_is_told_for_what_ues_call_it() -> None:
    node = SipFound("tls", ("127.0.0.2", 5061), "SIP/2.0 200 OK", domain="home.example", names=("edge.example",))
    assert "# tls_server_name: what UEs are told that it is called (its certificate is for edge.example)" in text(
        Discovery("127.0.0.2", sip=[node])
    )


def test_a_server_without_http2_is_asked_over_http1() -> None:
    server = TlsFound(("127.0.0.1", 8443), ("TLSv1.3",), names=("IP:127.0.0.1", "mf.x"))
    profile = loads(text(Discovery("127.0.0.1", tls=[server])), source="draft", base=Path())
    assert profile.sbi is not None
    assert [(one.http, one.fqdn) for one in profile.sbi.producers] == [("1.1", "mf.x")]
