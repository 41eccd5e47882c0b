"""IP packets written by hand, on loopback."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from imsproof.codec import ipv4, udp
from imsproof.link import rawip
from imsproof.link.esp import raw_sockets
from imsproof.seams import InconclusiveError, OutOfScopeError

if TYPE_CHECKING:
    from imsproof.link.session import Session

HERE = "127.0.0.1"


@pytest.mark.skipif(not raw_sockets(), reason="no right to raw sockets")
def test_a_datagram_in_fragments_arrives_whole(session: Session) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as there:
        there.bind((HERE, 0))
        there.settimeout(5)
        datagram = udp.build((HERE, 4), there.getsockname(), bytes(300))
        pieces = ipv4.fragments((HERE, HERE), ipv4.UDP, datagram, 64, 4711)
        session.run(rawip.send_packets(session, "ue", "1:x", HERE, pieces))
        assert there.recv(4096) == bytes(300)


def test_an_address_out_of_scope_is_not_sent_to(session: Session) -> None:
    if not raw_sockets():
        pytest.skip("no right to raw sockets")
    with pytest.raises(OutOfScopeError):
        session.run(rawip.send_packets(session, "ue", "1:x", "192.0.2.1", [b"x"]))


def test_without_the_right_it_says_so(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(socket, "socket", refuse)
    with pytest.raises(InconclusiveError, match="raw socket"):
        session.run(rawip.send_packets(session, "ue", "1:x", HERE, []))
