"""Discovery on the reference lab: what is there is found, and what is found makes a profile that loads."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.actors.conftest import SipPeer

from imsproof.discovery import Discovery, discover, profile_text
from imsproof.discovery.look import _domains
from imsproof.lab.launch import RunningLab, launch
from imsproof.profile import loads

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLab]:
    with launch(tmp_path_factory.mktemp("lab")) as running:
        yield running


@pytest.fixture(scope="module")
def found(lab: RunningLab) -> list[Discovery]:
    return discover([f"{lab.prefix}.10", f"{lab.prefix}.50"], domain="ims.example")


def test_transports_and_authentication_of_the_p_cscf_are_found(found: list[Discovery], lab: RunningLab) -> None:
    pcscf = found[0]
    assert pcscf.host == f"{lab.prefix}.10"
    assert {node.transport for node in pcscf.sip} == {"udp", "tcp", "tls"}
    assert pcscf.sip[0].auth == "aka"
    assert pcscf.sip[0].realm == "ims.example"
    assert "ipsec-3gpp" in pcscf.sip[0].sec_agree


def test_without_a_domain_the_challenge_names_it(lab: RunningLab) -> None:
    told: list[str] = []
    (pcscf,) = discover([f"{lab.prefix}.10"], told=told.append)
    assert {node.realm for node in pcscf.sip} == {"ims.example"}
    assert "AKAv1-MD5" in told[0]
    profile = loads(profile_text("lab", [pcscf], authorised_by="me", until=date(2099, 1, 1)), source="x", base=Path())
    assert profile.gm is not None
    assert profile.gm.domain == "ims.example"


def test_a_home_domain_may_be_what_is_left_of_a_certificates_name() -> None:
    assert _domains(["pcscf.ims.example", "*.IMS.example", "10.0.0.1", "urn:uuid:1", "alone"]) == ["ims.example"]


def test_a_producer_with_client_certificates_is_found_with_its_versions(found: list[Discovery]) -> None:
    (server,) = found[1].tls
    assert server.versions == ("TLSv1.2", "TLSv1.3")
    assert server.alpn == "h2"
    assert server.wants_certificate
    assert "mf.ims.example" in server.names


def test_a_weakness_planted_in_the_lab_is_seen(lab: RunningLab) -> None:
    lab.faults("tls.old_versions_accepted")
    try:
        (server,) = discover([f"{lab.prefix}.50"])[0].tls
    finally:
        lab.faults()
    assert "TLSv1.1" in server.versions


def test_the_draft_is_a_profile_that_loads(found: list[Discovery]) -> None:
    text = profile_text("lab", found, authorised_by="me: 'quoted'", until=date(2099, 1, 1), domain="ims.example")
    profile = loads(text, source="draft", base=Path())
    assert profile.gm is not None
    assert set(profile.gm.transports()) == {"udp", "tcp", "tls"}
    assert profile.sbi is not None
    assert profile.sbi.producers[0].fqdn == "mf.ims.example"
    assert profile.scope.authorised_by == "me: 'quoted'"


def test_a_host_with_nothing_on_it_is_empty() -> None:
    assert discover(["127.93.47.11"])[0].empty


def test_names_are_not_looked_up() -> None:
    with pytest.raises(ValueError, match="example"):
        discover(["lab.example"])


def test_sip_on_an_unusual_port_is_found_where_the_port_is_named() -> None:
    peer = SipPeer()
    host, port = peer.address
    try:
        (found,) = discover([host], ports=[port])
    finally:
        peer.close()
    assert ("udp", port) in {(node.transport, node.address[1]) for node in found.sip}
