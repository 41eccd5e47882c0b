"""TLS towards the P-CSCF on Gm: handshakes of any kind, without SIP in them (TS 33.203 Annex O)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

from imsproof.actors.station import tls_of
from imsproof.actors.tlsprobe import TlsProbe
from imsproof.link.session import ConnectionFailedError
from imsproof.link.subject import Attempt
from imsproof.link.tls import TlsStream
from imsproof.seams import HarnessError

if TYPE_CHECKING:
    from imsproof.actors.nfrequest import Target
    from imsproof.link.session import Session
    from imsproof.profile.gm import Gm


@dataclass(frozen=True, slots=True)
class Place:
    """Where the P-CSCF listens for TLS."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class GmTarget:
    """The P-CSCF as a TLS probe sees it."""

    url: Place
    fqdn: str


class GmTlsClient:
    """Shakes hands with the P-CSCF as the profile says, or otherwise on purpose."""

    def __init__(self, session: Session, gm: Gm, *, actor: str = "ue-a") -> None:
        """Aim at ``gm.tls`` (``HarnessError`` without it)."""
        if gm.tls is None:
            raise HarnessError("the profile declares no gm.tls")
        self.session = session
        self.actor = actor
        self._usual = tls_of(gm)
        self.name = self._usual.server_name or gm.domain
        self.names = [gm.tls_server_name] if gm.tls_server_name else [gm.domain, gm.tls[0]]
        self.target = GmTarget(Place(gm.tls[0], gm.tls[1]), self.name)

    def probe(self) -> TlsProbe:
        """Hellos by hand towards the same place."""
        return TlsProbe(self.session, cast("Target", self.target))

    def handshake(self, label: str, **changes: Any) -> Attempt:
        """Do a handshake; ``changes`` are fields of :class:`imsproof.link.tls.TlsOptions` that differ from usual."""
        return self.session.run(self._handshake(label, changes))

    def renegotiate(self, label: str) -> Attempt:
        """Shake hands in TLS 1.2, then ask for a second handshake."""
        return self.session.run(self._handshake(label, {"maximum": "TLSv1.2"}, again=True))

    async def _handshake(self, label: str, changes: dict[str, Any], *, again: bool = False) -> Attempt:
        attempt = Attempt(record=self.session.record, exchange=self.session.exchange(label))
        remote = (self.target.url.host, self.target.url.port)
        options = replace(self._usual, **changes)
        try:
            stream = await TlsStream.open(self.session, self.actor, attempt.exchange, remote, options, quiet=True)
        except ConnectionFailedError as error:
            attempt.failed = str(error)
            return attempt
        attempt.connected, attempt.facts = True, stream.facts
        if again:
            await stream.renegotiate(self.session.timers.silence)
        await stream.aclose()
        return attempt
