"""A DTLS engine with its timer, on whatever socket its owner has; and the engine that the policy asks for."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from imsproof.engine.dtls import DtlsEngine, Role
from imsproof.engine.identity import Identity, fingerprint_matches
from imsproof.lab.media.errors import MediaRefusedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from imsproof.lab.media.policy import MediaPolicy

_SHORTEST_WAIT = 0.01


class DtlsPeer:
    """Carries datagrams between an engine and ``send``, and sends flights again when they are due."""

    def __init__(self, engine: DtlsEngine, send: Callable[[bytes], None]) -> None:
        self.engine = engine
        self._send = send
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin the handshake."""
        self.engine.start()
        self.flush()

    def receive(self, datagram: bytes) -> list[bytes]:
        """Take a datagram; return the application data that it held."""
        self.engine.receive(datagram)
        self.flush()
        return self.engine.read()

    def write(self, data: bytes) -> None:
        """Send application data, unless the association is gone."""
        if self.engine.state == "connected":
            self.engine.write(data)
            self.flush()

    def flush(self) -> None:
        """Send what is waiting and set the timer anew."""
        for datagram in self.engine.outgoing():
            self._send(datagram)
        self._stop_timer()
        wait = self.engine.timeout()
        if wait is not None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(max(wait, _SHORTEST_WAIT), self._on_timer)

    def close(self) -> None:
        """Say goodbye and stop the timer."""
        self.engine.close()
        self.flush()
        self._stop_timer()

    def _on_timer(self) -> None:
        self.engine.handle_timeout()
        self.flush()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def make_engine(
    policy: MediaPolicy,
    role: Role,
    identity: Identity,
    verify_peer: Callable[[bytes], bool],
    *,
    srtp_profiles: tuple[str, ...] = (),
) -> DtlsEngine:
    """Return an engine of the strength that the policy asks for."""
    return DtlsEngine(
        role,
        identity,
        versions=(policy.dtls_lowest, "DTLSv1.2"),
        ciphers=policy.dtls_ciphers.encode("ascii"),
        security_level=policy.dtls_security_level,
        require_peer_cert=policy.peer_certificate_required,
        verify_peer=verify_peer,
        srtp_profiles=srtp_profiles,
        renegotiation=policy.renegotiation,
        resumption=policy.resumption,
        cookie_exchange=policy.hello_cookies != "none",
        any_cookie=policy.hello_cookies == "any",
    )


def usable_fingerprints(policy: MediaPolicy, lines: Iterable[str]) -> tuple[str, ...]:
    """Return those of the SDP's fingerprints whose hash function is strong enough.

    Raises:
        MediaRefusedError: none is.
    """
    lines = tuple(lines)
    usable = tuple(line for line in lines if line.split(" ", 1)[0].lower() in policy.fingerprint_hashes)
    if not usable:
        raise MediaRefusedError(
            f"no fingerprint with {', '.join(policy.fingerprint_hashes)} in {', '.join(lines) or 'the description'}"
        )
    return usable


def matches_any(der: bytes, lines: Iterable[str]) -> bool:
    """Tell whether the certificate has one of the fingerprints."""
    return any(fingerprint_matches(der, line) for line in lines)


def own_role(offered_setup: str, actpass_answer: str) -> tuple[Role, str]:
    """Return DTLS role and ``a=setup`` value that answer an offer (RFC 8842 section 5.3).

    Raises:
        MediaRefusedError: ``holdconn`` or a value that is none.
    """
    setup = {"active": "passive", "passive": "active", "actpass": actpass_answer}.get(offered_setup.strip().lower())
    if setup is None:
        raise MediaRefusedError(f"a=setup:{offered_setup} cannot be answered; expected actpass, active or passive")
    return ("client" if setup == "active" else "server"), setup
