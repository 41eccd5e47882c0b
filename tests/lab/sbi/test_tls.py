"""TLS of the SBI servers: versions, client certificates, ALPN, as the policy has them."""

from __future__ import annotations

import socket
import ssl
from ssl import TLSVersion
from typing import Any

import httpx
import pytest

from imsproof.lab import nodes
from imsproof.lab.sbi.tls import server_context

OLD = "DEFAULT:@SECLEVEL=0"


def shake_hands(lab: Any, identity: str | None = "tester-as", **settings: Any) -> str:
    """Return the version that was negotiated, once the server has sent something of its own."""
    context = lab.context(identity, **settings)
    with (
        socket.create_connection((f"{lab.prefix}.50", nodes.SBI_PORT), timeout=5) as plain,
        context.wrap_socket(plain, server_hostname=nodes.MF.fqdn) as tls,
    ):
        if not tls.recv(1):
            raise ssl.SSLEOFError("closed without a word")
        return str(tls.version())


def only(version: TLSVersion) -> dict[str, Any]:
    old = {"ciphers": OLD} if version < TLSVersion.TLSv1_2 else {}
    return {**old, "minimum_version": version, "maximum_version": version}


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1")
@pytest.mark.parametrize(("version", "name"), [(TLSVersion.TLSv1_2, "TLSv1.2"), (TLSVersion.TLSv1_3, "TLSv1.3")])
def test_tls_12_and_13_are_taken(lab: Any, version: TLSVersion, name: str) -> None:
    assert shake_hands(lab, **only(version)) == name


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1")
@pytest.mark.parametrize("version", [TLSVersion.TLSv1, TLSVersion.TLSv1_1])
def test_older_versions_are_refused_unless_the_fault_is_planted(lab: Any, version: TLSVersion) -> None:
    with pytest.raises(ssl.SSLError, match=r"(?i)protocol.version"):
        shake_hands(lab, **only(version))
    lab.fault("tls.old_versions_accepted")
    assert shake_hands(lab, **only(version)).startswith("TLSv1")
    assert shake_hands(lab, **only(TLSVersion.TLSv1_2)) == "TLSv1.2"


@pytest.mark.parametrize(
    ("fault", "version"), [("tls.no_tls12", TLSVersion.TLSv1_2), ("tls.no_tls13", TLSVersion.TLSv1_3)]
)
def test_a_version_can_be_made_to_be_missing(lab: Any, fault: str, version: TLSVersion) -> None:
    lab.fault(fault)
    with pytest.raises(ssl.SSLError, match=r"(?i)protocol.version"):
        shake_hands(lab, **only(version))


@pytest.mark.parametrize("version", [TLSVersion.TLSv1_2, TLSVersion.TLSv1_3])
def test_a_client_without_certificate_is_refused_unless_the_fault_is_planted(lab: Any, version: TLSVersion) -> None:
    with pytest.raises((ssl.SSLError, ConnectionError)):
        shake_hands(lab, None, **only(version))
    lab.fault("cert.not_required")
    assert shake_hands(lab, None, **only(version))
    assert lab.create(identity=None).status_code == 201


@pytest.mark.parametrize("identity", ["rogue", "tester-revoked"])
def test_an_untrusted_or_revoked_certificate_is_refused(lab: Any, identity: str) -> None:
    with pytest.raises((ssl.SSLError, ConnectionError)):
        shake_hands(lab, identity)


def test_a_weak_suite_is_refused(lab: Any) -> None:
    with pytest.raises(ssl.SSLError, match=r"(?i)handshake.failure"):
        shake_hands(lab, **{**only(TLSVersion.TLSv1_2), "ciphers": "ECDHE-ECDSA-AES128-SHA"})


def test_a_client_without_h2_is_sent_away(lab: Any) -> None:
    context = ssl.create_default_context(cafile=str(lab.pki.ca))
    context.load_cert_chain(lab.pki.certificate("tester-as"), lab.pki.key("tester-as"))
    with (
        httpx.Client(verify=context, http1=True, http2=False, timeout=5, trust_env=False) as client,
        pytest.raises(httpx.TransportError),
    ):
        client.get(nodes.MF.api_root(lab.prefix), extensions={"sni_hostname": nodes.MF.fqdn})


def test_the_context_is_made_once_for_a_policy(lab: Any) -> None:
    policy = lab.box.current.sbi
    assert server_context(lab.pki, "mf", policy) is server_context(lab.pki, "mf", policy)
