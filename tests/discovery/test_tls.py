"""What is no TLS server is none, whatever it answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imsproof.discovery.tls import look_for_tls

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from tests.conftest import Serve

    from imsproof.link.session import Session


def test_a_server_that_speaks_something_else_is_no_tls_server(session: Session, serve: Serve) -> None:
    def banner(text: bytes) -> Callable[[socket.socket], None]:
        def handle(connection: socket.socket) -> None:
            connection.recv(4096)
            connection.sendall(text)

        return handle

    for text in (
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"\x16\x03\x03\xff\xff" + bytes(100),
        b"\x15\x03\x03\x00\x02\x02\x28",
    ):
        assert look_for_tls(session, serve(banner(text))) is None
