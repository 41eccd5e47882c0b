"""The MF's media side: media contexts with data channels, each with its own port and DTLS association."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from imsproof.engine.identity import Identity, make_identity
from imsproof.lab.media.association import DcAssociation
from imsproof.lab.media.bootstrap import Bootstrap
from imsproof.lab.media.errors import MediaRefusedError
from imsproof.lab.sbi.mediacontext import whose

if TYPE_CHECKING:
    import ssl

    from imsproof.engine.sctp import Channel
    from imsproof.lab.dctypes import DcEndpoint, DcOffer
    from imsproof.lab.policy import PolicyBox

MAX_CONTEXTS = 512


@cache
def rsa_identity(bits: int) -> Identity:
    """Return a certificate with an RSA key, for planted faults."""
    return make_identity("rsa", name="mf", rsa_bits=bits)


class MediaFunction:
    """The MF.

    Args:
        address: IP address of its media ports.
        policy: the lab's policy.
        mdc: TLS client context towards the DC AS; needed when replacement URLs are ``https``.
        identity: its certificate; by default a new self-signed one.
    """

    def __init__(
        self, address: str, policy: PolicyBox, *, mdc: ssl.SSLContext | None = None, identity: Identity | None = None
    ) -> None:
        self.address = address
        self.identity = identity or make_identity(name="mf")
        self.contexts: dict[str, DcAssociation] = {}
        self._policy = policy
        self._mdc = mdc
        self.dead = False

    async def allocate(self, context_id: str, remote: DcOffer, subscriber: str, apps_url: str) -> DcEndpoint:
        """Reserve a data-channel end for an offer.

        Args:
            context_id: name of the context.
            remote: the offer of the UE.
            subscriber: the UE's identity, told to the DC AS.
            apps_url: the DCSF's replacement URL for the root of the bootstrap channel.

        Raises:
            MediaRefusedError: the offer cannot be accepted, the name is taken, or there is no room.
        """
        if context_id in self.contexts:
            raise MediaRefusedError(f"context {context_id} exists already")
        if len(self.contexts) >= MAX_CONTEXTS:
            raise MediaRefusedError(f"no room: {MAX_CONTEXTS} contexts exist")
        if self._policy.current.media.one_context_for_a_fingerprint:
            await self._take_over(remote.fingerprint)
        bootstrap = Bootstrap(subscriber, apps_url, self.address, self._mdc, self._policy)
        association = DcAssociation(self._policy, self._own_identity(), remote, bootstrap)
        if remote.far_apps:
            association.far = Bootstrap(whose(remote.far_apps), remote.far_apps, self.address, self._mdc, self._policy)
        association.dead = self.dead
        association.on_death = self._die
        association.all_fingerprints = self._all_fingerprints
        association.everybody = self._other_channels
        association.applications = self._applications
        self.contexts[context_id] = association
        try:
            await association.open(self.address)
        except OSError as error:
            del self.contexts[context_id]
            await association.close()
            raise MediaRefusedError(f"no port at {self.address}: {error}") from error
        return association.local

    async def update(self, context_id: str, remote: DcOffer) -> DcEndpoint:
        """Take a new offer for a context (``MediaRefusedError`` when it is unknown or the offer cannot be accepted)."""
        association = self.contexts.get(context_id)
        if association is None:
            raise MediaRefusedError(f"no context {context_id}")
        await association.update(remote)
        return association.local

    async def release(self, context_id: str) -> None:
        """End a context; one that is not there is no error."""
        if self._policy.current.media.outlives_call and context_id in self.contexts:
            return
        association = self.contexts.pop(context_id, None)
        if association is not None:
            await association.close()

    async def reset(self) -> None:
        """End every context; an MF that died serves again."""
        self.dead = False
        contexts, self.contexts = self.contexts, {}
        for association in contexts.values():
            await association.close()

    stop = reset

    def _own_identity(self) -> Identity:
        kind = self._policy.current.media.certificate
        if kind == "ec":
            return self.identity
        return rsa_identity(1024 if kind == "rsa-1024" else 2048)

    def _all_fingerprints(self) -> tuple[str, ...]:
        return tuple(line for one in self.contexts.values() for line in one.fingerprints)

    def _other_channels(self) -> tuple[Channel, ...]:
        if not self._policy.current.media.answers_to_all:
            return ()
        return tuple(channel for one in self.contexts.values() for channel in one.bootstrap_channels)

    def _applications(self) -> tuple[Channel, ...]:
        if not self._policy.current.media.applications_mixed:
            return ()
        return tuple(channel for one in self.contexts.values() for channel in one.application_channels)

    async def _take_over(self, fingerprint: str) -> None:
        """End what has the same fingerprint (planted faults only)."""
        for association in self.contexts.values():
            if association.remote.fingerprint == fingerprint:
                await association.close()

    def _die(self) -> None:
        """Serve nobody any more (planted faults only)."""
        self.dead = True
        for association in self.contexts.values():
            association.dead = True

    @property
    def connected(self) -> int:
        """How many DTLS associations are up."""
        return sum(association.state == "connected" for association in self.contexts.values())
