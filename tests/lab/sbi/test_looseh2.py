"""A planted fault leaves out the check that it names; without one h2 is h2."""

from __future__ import annotations

import h2.connection
import h2.exceptions
import h2.settings
import pytest

from imsproof.codec import http2
from imsproof.lab.sbi.looseh2 import make_connection, make_settings

FIELDS = [(b":method", b"GET"), (b":scheme", b"https"), (b":path", b"/"), (b":authority", b"x")]
START = http2.PREFACE + http2.settings()


def receive(tolerates: set[str], *fields: tuple[bytes, bytes], tail: bytes = b"") -> list[object]:
    connection = make_connection(tolerates)
    connection.local_settings = make_settings({h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS: 1}, tolerates)
    connection.initiate_connection()
    block = http2.block([*FIELDS, *fields]) + tail
    return list(connection.receive_data(START + http2.frame(1, 4, 1, block) + http2.frame(0, 1, 1)))


@pytest.mark.parametrize(
    ("flaw", "field", "tail"),
    [
        ("fields", (b"X-Upper", b"1"), b""),
        ("length", (b"content-length", b"7"), b""),
        ("hpack", (b"a", b"1"), http2.indexed(0)),
    ],
)
def test_a_flaw_is_tolerated_only_by_name(flaw: str, field: tuple[bytes, bytes], tail: bytes) -> None:
    with pytest.raises(h2.exceptions.ProtocolError):
        receive(set(), field, tail=tail)
    assert receive({flaw}, field, tail=tail)


def test_a_limit_is_announced_and_not_kept() -> None:
    values = {h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS: 1}
    assert make_settings(values, ()).max_concurrent_streams == 1
    loose = make_settings(values, {"limit"})
    assert loose[h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS] == 1
    assert loose.max_concurrent_streams > 1
