"""TLS connections on which one flight is changed on the way, as somebody on the wire would."""

from __future__ import annotations

import contextlib

from imsproof.codec.tlshello import CLIENT_HELLO, HANDSHAKE
from imsproof.codec.tlsrecord import split_records
from imsproof.link.tls import TlsStream


class TamperedStream(TlsStream):
    """A TLS connection whose flight number :attr:`at` leaves with its last octet changed.

    ClientHellos are not counted, of which there are two after a HelloRetryRequest. The first flight then ends with
    Finished, what follows is data. The change is noted in the journal as ``tampered``.
    """

    at = 0
    _flights = 0

    async def _flush(self) -> None:
        data = self._outgoing()
        if not data:
            return
        self._flights += not _is_hello(data)
        if self._flights == self.at and not _is_hello(data):
            self.session.note(
                f"the last octet of flight {self.at} was changed",
                actor=self.actor,
                exchange=self.exchange,
                tampered=True,
            )
            data = data[:-1] + bytes((data[-1] ^ 1,))
        await self.tcp.send(data)


class FinishedTampered(TamperedStream):
    """The record with the client's Finished is changed."""

    at = 1


class DataTampered(TamperedStream):
    """The first record of application data is changed."""

    at = 2


def _is_hello(flight: bytes) -> bool:
    records, _ = split_records(flight)
    return any(one.content_type == HANDSHAKE and one.fragment[:1] == bytes((CLIENT_HELLO,)) for one in records)


async def listen_on(stream: TlsStream, seconds: float) -> int:
    """Read until the connection ends or nothing comes for ``seconds``; alerts land in the journal.

    Returns how many octets came.
    """
    octets = 0
    with contextlib.suppress(TimeoutError):
        while data := await stream.receive(seconds):
            octets += len(data)
    return octets
