"""tshark opens what is protected, with the keys that lie in the capture."""

from __future__ import annotations

import shutil
import struct
from typing import TYPE_CHECKING

import pytest
from tests.evidence.secured import BACK, CLIENT, SERVER, THERE, dtls_taps, http2_request, tls_taps

from imsproof.evidence import packets, pcapng, plaintext
from imsproof.evidence.capture import write_tap
from imsproof.evidence.plaintext import Plain, decrypt
from imsproof.seams import TapPacket

if TYPE_CHECKING:
    from pathlib import Path

needs_tshark = pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")
HEADERS = [(":method", "POST"), (":scheme", "https"), (":authority", "mf"), (":path", "/x"), ("x-name", "Value")]
BODY = b'{"a": 1}' * 4000


@needs_tshark
def test_what_was_said_inside_tls_is_found_by_its_way(tmp_path: Path) -> None:
    """Each direction has its own text; with other keys there is none."""
    taps, keys = tls_taps(tmp_path, b"REGISTER sip:a", b"SIP/2.0 200 OK")
    write_tap(tmp_path / "c.pcapng", "GM-TLS-01", taps, keys)
    plain = decrypt(tmp_path / "c.pcapng")
    assert (plain.holds(THERE, b"REGISTER sip:a"), plain.holds(BACK, b"REGISTER sip:a")) == (True, False)
    assert plain.holds(BACK, b"SIP/2.0 200 OK")
    write_tap(tmp_path / "c.pcapng", "GM-TLS-01", taps, [])
    assert not decrypt(tmp_path / "c.pcapng").opened(THERE)


@needs_tshark
def test_the_headers_and_the_whole_body_of_http2_are_read(tmp_path: Path) -> None:
    """A body in several frames is one text; header fields are compared one by one."""
    taps, keys = tls_taps(tmp_path, http2_request(HEADERS, BODY[:16000]), b"x")
    write_tap(tmp_path / "c.pcapng", "SBI-TLS-01", taps, keys)
    plain = decrypt(tmp_path / "c.pcapng")
    assert plain.holds(THERE, BODY[:16000])
    assert plain.has_headers(THERE, 1, [(b":path", b"/x"), (b"x-name", b"Value")]) is True
    assert plain.has_headers(THERE, 1, [(b":path", b"/y")]) is False
    assert plain.has_headers(THERE, 3, [(b":path", b"/x")]) is False
    assert plain.has_headers(BACK, 1, []) is True


@needs_tshark
def test_a_datagram_that_cannot_be_opened_makes_its_way_partly_shut(tmp_path: Path) -> None:
    """A record with a wrong MAC is no reason to say that the journal lies."""
    near, taps, keys = dtls_taps()
    near.write(b"over the bootstrap channel")
    sent = near.outgoing()
    taps += [TapPacket(len(taps), "udp", CLIENT, SERVER, datagram) for datagram in sent]
    write_tap(tmp_path / "c.pcapng", "DC-DTLS-01", taps, keys)
    plain = decrypt(tmp_path / "c.pcapng")
    assert plain.holds(THERE, b"over the bootstrap channel")
    assert not plain.partly_shut(THERE)
    taps.append(TapPacket(len(taps), "udp", *THERE, sent[-1][:-1] + bytes([sent[-1][-1] ^ 1])))
    write_tap(tmp_path / "c.pcapng", "DC-DTLS-01", taps, keys)
    assert decrypt(tmp_path / "c.pcapng").partly_shut(THERE)


@needs_tshark
def test_what_is_no_capture_is_an_error_in_words(tmp_path: Path) -> None:
    (tmp_path / "c.pcapng").write_bytes(b"no capture")
    with pytest.raises(ValueError, match="no pcapng"):
        decrypt(tmp_path / "c.pcapng")


def test_without_tshark_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("imsproof.evidence.plaintext.shutil.which", lambda _: None)
    assert "tshark is not installed" in plaintext.why_not()


def test_headers_that_cannot_be_read_are_not_held_against_anybody() -> None:
    plain = Plain()
    plain.connections[THERE].append([b"\x00\x00\x01\x01\x04\x00\x00\x00\x01\xff"])
    assert plain.has_headers(THERE, 1, [(b"a", b"b")]) is None


@needs_tshark
def test_a_datagram_in_ip_fragments_is_opened_whole(tmp_path: Path) -> None:
    """The ports stand in the first fragment only, the whole datagram with the last one."""
    near, taps, keys = dtls_taps()
    near.write(b"long " * 150)
    (sent,) = near.outgoing()
    whole = packets.udp(CLIENT, SERVER, sent)
    head, body = whole[:20], whole[20:]
    pieces = []
    for at, more in ((0, 0x2000), (528, 0)):
        piece = body[at : at + 528]
        fields = struct.pack("!HHH", 20 + len(piece), 7, more | at // 8)
        pieces.append(head[:2] + fields + head[8:10] + b"\0\0" + head[12:] + piece)
    found = [*packets.Fabric().wrap(taps), *(pcapng.Packet(99, pcapng.LINK_RAW, piece) for piece in pieces)]
    with (tmp_path / "c.pcapng").open("wb") as file:
        pcapng.write(file, found, keys=keys)
    plain = decrypt(tmp_path / "c.pcapng")
    assert plain.holds(THERE, b"long " * 150)
    assert not plain.partly_shut(THERE)
