"""What handshakes tell in clear, of TLS in streams and of DTLS in datagrams, whole or in pieces."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.audit import wire
from tests.evidence import secured

from imsproof.audit.dissect import read
from imsproof.audit.secure import DtlsHandshakes
from imsproof.evidence import packets, pcapng

if TYPE_CHECKING:
    from pathlib import Path


def test_a_tls_handshake_is_told_as_its_server_chose_it(tmp_path: Path) -> None:
    taps, keys = secured.tls_taps(tmp_path, b"hello", b"welcome")
    frames = [packet.data for packet in packets.Fabric().wrap(taps)]
    closed = wire.reading(tmp_path, frames)
    assert [(one.transport, one.facts["version"], one.facts["completed"]) for one in closed.events] == [
        ("tls", "TLSv1.3", True)
    ]
    assert any("stayed closed" in note for note in closed.notes)
    assert closed.events[0].local == secured.CLIENT
    opened = wire.reading(tmp_path, frames, keys=keys)
    assert not any("stayed closed" in note for note in opened.notes)


def test_a_dtls_handshake_shows_both_certificates_also_in_pieces(tmp_path: Path) -> None:
    _, taps, _ = secured.dtls_taps()
    path = tmp_path / "dtls.pcapng"
    with path.open("wb") as file:
        pcapng.write(file, packets.Fabric().wrap(taps))
    (event,) = read(path).events
    assert (event.transport, event.facts["version"], event.facts["completed"]) == ("dtls", "DTLSv1.2", True)
    assert event.facts["server_certificates"]
    assert event.facts["client_certificates"]


def test_datagrams_that_only_look_like_dtls_are_not() -> None:
    handshakes = DtlsHandshakes()
    way = (secured.CLIENT, secured.SERVER)
    for data in (b"\x16", b"\x16\xfe\xfd" + bytes(9), b"\x16\x03\x03" + bytes(20)):
        handshakes.take(1, 1, way, data)
    assert handshakes.drafts() == []
