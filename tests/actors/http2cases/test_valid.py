"""What is said to be allowed is taken by another implementation of the RFCs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import h2.config
import h2.connection
import h2.events
import pytest

from imsproof.actors.http2cases.valid import VALID
from imsproof.actors.http2script import Script
from imsproof.codec import http2

if TYPE_CHECKING:
    from imsproof.actors.http2cases import Case

SCRIPT = Script(
    ((b":method", b"POST"), (b":scheme", b"https"), (b":authority", b"mf"), (b":path", b"/contexts"), (b"a", b"1")),
    b'{"a": 1}',
    {5: 16_384},
)


@pytest.mark.parametrize("case", VALID, ids=lambda case: case.name)
def test_a_server_of_another_hand_takes_it(case: Case) -> None:
    server = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding=None))
    server.initiate_connection()
    events = server.receive_data(http2.PREFACE + http2.settings())
    for step in case.send(SCRIPT):
        if isinstance(step, bytes):
            events += server.receive_data(step)
        else:
            server.send_headers(step, [(b":status", b"201")], end_stream=True)
    requested = {event.stream_id for event in events if isinstance(event, h2.events.RequestReceived)}
    assert set(case.watch) <= requested
