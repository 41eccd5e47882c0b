"""h2's state machine for the lab's servers, with checks that a planted fault can leave out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import h2.config
import h2.connection
import h2.settings
import hpack

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

UNBOUNDED = 2**31 - 1


class _AnyNumber(h2.settings.Settings):
    """Settings that announce a limit of streams and hold nobody to it."""

    @property
    def max_concurrent_streams(self) -> int:
        return UNBOUNDED

    @max_concurrent_streams.setter
    def max_concurrent_streams(self, value: int) -> None:
        self[h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS] = value


class _LooseConnection(h2.connection.H2Connection):
    """Streams whose content-length is not held against their DATA."""

    def _begin_new_stream(self, stream_id: int, allowed_ids: Any) -> Any:
        stream: Any = super()._begin_new_stream(stream_id, allowed_ids)
        stream._initialize_content_length = lambda *_: None  # noqa: SLF001 - h2 has no switch for it
        stream._track_content_length = lambda *_: None  # noqa: SLF001 - the same
        return stream


class _MendingDecoder(hpack.Decoder):
    """Keeps what came before the octets that cannot be decompressed."""

    def decode(self, data: bytes, raw: bool = False) -> Iterable[Any]:
        try:
            return super().decode(data, raw)
        except hpack.HPACKError:
            for end in range(len(data) - 1, 0, -1):
                try:
                    return super().decode(data[:end], raw)
                except hpack.HPACKError:
                    continue
            raise


def make_connection(tolerates: Collection[str]) -> h2.connection.H2Connection:
    """Return the server's side of a connection; ``tolerates`` may name ``fields``, ``length`` and ``hpack``."""
    config = h2.config.H2Configuration(
        client_side=False, header_encoding=None, validate_inbound_headers="fields" not in tolerates
    )
    kind = _LooseConnection if "length" in tolerates else h2.connection.H2Connection
    connection = kind(config)
    if "hpack" in tolerates:
        limit = connection.decoder.max_header_list_size
        connection.decoder = _MendingDecoder()
        connection.decoder.max_header_list_size = limit
    return connection


def make_settings(values: dict[Any, int], tolerates: Collection[str]) -> h2.settings.Settings:
    """Return the server's settings; ``tolerates`` may name ``limit``."""
    kind = _AnyNumber if "limit" in tolerates else h2.settings.Settings
    return kind(client=False, initial_values=values)
