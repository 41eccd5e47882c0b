"""The DTLS engine against itself, over memory."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imsproof.codec.dtls import Record, handshakes, split_records
from imsproof.engine.dtls import DtlsEngine, DtlsError
from imsproof.engine.identity import make_identity

CLIENT = make_identity(name="client")
SERVER = make_identity(name="server")
LAX: dict[str, Any] = {"security_level": 0, "ciphers": b"ALL:eNULL"}


def exchange(client: DtlsEngine, server: DtlsEngine) -> list[bytes]:
    """Carry datagrams both ways until both are silent; return them."""
    crossed: list[bytes] = []
    while True:
        there, back = client.outgoing(), server.outgoing()
        for datagram in there:
            server.receive(datagram)
        for datagram in back:
            client.receive(datagram)
        if not there and not back:
            return crossed
        crossed += there + back


def pair(client: dict[str, Any] | None = None, server: dict[str, Any] | None = None) -> tuple[DtlsEngine, DtlsEngine]:
    """Return a client and a server after their handshake."""
    ends = (
        DtlsEngine("client", **{"identity": CLIENT, **(client or {})}),
        DtlsEngine("server", **{"identity": SERVER, **(server or {})}),
    )
    ends[0].start()
    exchange(*ends)
    return ends


def test_both_ends_connect_and_say_the_same_facts() -> None:
    client, server = pair()
    assert (client.state, server.state) == ("connected", "connected")
    facts = client.facts()
    assert facts["version"] == "DTLSv1.2"
    assert facts["peer_sha256"] == SERVER.sha256
    assert facts["peer_subject"] == "CN=server"
    assert server.facts()["peer_sha256"] == CLIENT.sha256
    assert server.facts()["cipher"] == facts["cipher"]


def test_application_data_crosses_in_whole_records() -> None:
    client, server = pair()
    client.write(b"one")
    client.write(b"two")
    exchange(client, server)
    assert server.read() == [b"one", b"two"]
    assert server.read() == []


def test_datagrams_are_whole_records_within_the_mtu() -> None:
    client = DtlsEngine("client", CLIENT, mtu=300)
    server = DtlsEngine("server", SERVER, mtu=300)
    client.start()
    crossed = exchange(client, server)
    assert server.state == "connected"
    assert all(len(datagram) <= 300 and len(split_records(datagram)) == 1 for datagram in crossed)


def test_dtls_1_0_is_refused_with_protocol_version_by_default_and_taken_when_told() -> None:
    old = {"versions": ("DTLSv1", "DTLSv1"), **LAX}
    client, server = pair(old)
    assert client.alerts_seen == [("protocol_version", "fatal")]
    assert server.alerts_sent == [("protocol_version", "fatal")]
    assert (client.state, server.state) == ("failed", "failed")
    client, _ = pair(old, {"versions": ("DTLSv1", "DTLSv1.2"), **LAX})
    assert client.facts()["version"] == "DTLSv1"


def test_a_null_suite_is_refused_by_default_and_taken_when_told() -> None:
    null: dict[str, Any] = {"ciphers": b"ECDHE-ECDSA-NULL-SHA", "security_level": 0}
    client, _ = pair(null)
    assert client.alerts_seen == [("handshake_failure", "fatal")]
    client, _ = pair(null, LAX)
    assert client.facts()["cipher"] == "ECDHE-ECDSA-NULL-SHA"


@pytest.mark.parametrize("refusing", ["client", "server"])
def test_a_refused_certificate_ends_the_handshake_with_bad_certificate(refusing: str) -> None:
    """RFC 8122 section 6.2 names the alert."""
    refuse = {"verify_peer": lambda _: False}
    client, server = pair(refuse if refusing == "client" else None, refuse if refusing == "server" else None)
    who, other = (client, server) if refusing == "client" else (server, client)
    assert who.alerts_sent == [("bad_certificate", "fatal")]
    assert other.alerts_seen == [("bad_certificate", "fatal")]
    assert "connected" not in (client.state, server.state)


def test_a_client_without_certificate_is_refused_unless_told_otherwise() -> None:
    client, server = pair({"identity": None})
    assert server.state == "failed"
    assert client.alerts_seen
    client, server = pair({"identity": None}, {"require_peer_cert": False})
    assert server.state == "connected"
    assert server.peer_der is None


def test_srtp_keys_are_each_others() -> None:
    client, server = pair(
        {"srtp_profiles": ("SRTP_AEAD_AES_128_GCM",)},
        {"srtp_profiles": ("SRTP_AES128_CM_SHA1_80", "SRTP_AEAD_AES_128_GCM")},
    )
    ours, theirs = client.export_srtp_keys(), server.export_srtp_keys()
    assert ours.profile == "SRTP_AEAD_AES_128_GCM"
    assert (ours.local, ours.remote) == (theirs.remote, theirs.local)
    assert ours.local != ours.remote
    assert len(ours.local) == 28


def test_without_srtp_profile_there_are_no_srtp_keys() -> None:
    client, _ = pair()
    with pytest.raises(DtlsError, match="no SRTP profile"):
        client.export_srtp_keys()


def test_cookie_exchange_comes_before_the_hello_is_answered() -> None:
    client, server = DtlsEngine("client", CLIENT), DtlsEngine("server", SERVER, cookie_exchange=True)
    client.start()
    [hello] = client.outgoing()
    server.receive(hello)
    [answer] = server.outgoing()
    assert [message.message_type for message in handshakes(split_records(answer)[0].fragment)] == [3]
    client.receive(answer)
    exchange(client, server)
    assert (client.state, server.state) == ("connected", "connected")


def test_a_lost_flight_is_sent_again_on_timeout() -> None:
    client, server = DtlsEngine("client", CLIENT), DtlsEngine("server", SERVER)
    client.start()
    assert client.outgoing()
    due = client.timeout()
    assert due is not None
    assert 0 < due <= 1
    assert server.timeout() is None


def test_forged_records_in_clear_do_not_end_an_association() -> None:
    client, server = pair()
    for forged in (Record(23, b"hi"), Record(21, b"\x02\x28"), Record(21, b"\x01\x00"), Record(22, bytes(40))):
        server.receive(forged.to_bytes())
    assert server.state == "connected"
    assert server.read() == []
    client.write(b"alive")
    exchange(client, server)
    assert server.read() == [b"alive"]


@settings(max_examples=50)
@given(st.binary(max_size=300))
def test_any_datagram_is_survived_by_a_connected_server(datagram: bytes) -> None:
    _, server = CONNECTED
    server.receive(datagram)
    assert server.state == "connected"


CONNECTED = pair()


@settings(max_examples=30)
@given(st.binary(max_size=300))
def test_any_datagram_is_survived_by_a_new_server(datagram: bytes) -> None:
    server = DtlsEngine("server", SERVER)
    server.receive(datagram)
    assert server.state != "connected"


@pytest.mark.parametrize("allowed", [True, False])
def test_a_session_is_taken_up_without_a_certificate_where_the_server_allows_it(allowed: bool) -> None:
    first, _ = pair(client={"resumption": True}, server={"resumption": allowed})
    again, _ = pair(client={"session": first.session}, server={"resumption": allowed})
    assert (again.state, again.facts()["resumed"]) == ("connected", allowed)
    assert again.facts()["peer_sha256"] == ("" if allowed else SERVER.sha256)


def test_close_notify_is_seen_by_the_peer() -> None:
    client, server = pair()
    client.close()
    exchange(client, server)
    assert (client.state, server.state, server.reason) == ("closed", "closed", "close_notify")
    assert ("close_notify", "warning") in server.alerts_seen
    with pytest.raises(DtlsError, match="closed"):
        client.write(b"late")


def test_more_than_a_record_is_refused_by_name() -> None:
    client, server = pair()
    with pytest.raises(DtlsError, match="cannot send 20000 bytes"):
        client.write(bytes(20_000))
    client.write(b"alive")
    exchange(client, server)
    assert server.read() == [b"alive"]


def test_keys_are_logged_in_nss_form() -> None:
    lines: list[str] = []
    pair({"keylog": lines.append})
    assert lines
    assert lines[0].startswith("CLIENT_RANDOM ")


def test_there_are_no_facts_before_the_handshake_is_over() -> None:
    assert DtlsEngine("client", CLIENT).facts() == {}
