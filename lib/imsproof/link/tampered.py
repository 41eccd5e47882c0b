"""TLS connections on which one flight is changed on the way, as somebody on the wire would."""

from __future__ import annotations

import contextlib

from imsproof.link.tls import TlsStream


class TamperedStream(TlsStream):
    """A TLS connection whose flight number :attr:`at` leaves with its last octet changed.

    The first flight is the ClientHello, the second ends with Finished (without a HelloRetryRequest), what follows is
    data. The change is noted in the journal as ``tampered``.
    """

    at = 0
    _flights = 0

    async def _flush(self) -> None:
        data = self._outgoing()
        if not data:
            return
        self._flights += 1
        if self._flights == self.at:
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

    at = 2


class DataTampered(TamperedStream):
    """The first record of application data is changed."""

    at = 3


async def listen_on(stream: TlsStream, seconds: float) -> None:
    """Read until the connection ends or nothing comes for ``seconds``; alerts land in the journal."""
    with contextlib.suppress(TimeoutError):
        while data := await stream.receive(seconds):
            del data
