"""A producer of the profile as one consumer sees it: the probe that is every refusal's control, and what it leaves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

from imsproof.actors import cca
from imsproof.actors.nfidentity import NfIdentity
from imsproof.actors.nfrequest import full_path
from imsproof.actors.nftokens import TokenAnswer
from imsproof.seams import HarnessError, ImsproofError, InconclusiveError

if TYPE_CHECKING:
    from imsproof.actors.nf import NfConsumer
    from imsproof.link.subject import HttpAnswer
    from imsproof.profile.sbi import Producer

MAKING = ("POST", "PUT")
"""Methods whose Location is a resource that was made, not one to go to."""


class ProducerClient:
    """A producer of the profile as seen by one consumer: the probe that is every refusal's control.

    Attributes:
        consumer: who asks.
        producer: who is asked.
        created: resources that probes made and that are there still, as the Location said.
    """

    def __init__(self, consumer: NfConsumer, producer: Producer) -> None:
        """Bind a consumer to a producer."""
        self.consumer = consumer
        self.producer = producer
        self.created: list[str] = []

    def token(self, **how: Any) -> TokenAnswer:
        """Get a token for this producer (arguments of :meth:`NfConsumer.token`)."""
        return self.consumer.token(self.producer, **how)

    def probe(self, token: str | TokenAnswer | None = None, *, label: str = "probe", **how: Any) -> HttpAnswer:
        """Send the profile's probe; what it creates is noted in :attr:`created`.

        A producer that requires client credentials assertions gets a good one, unless ``headers`` holds another.

        Args:
            token: the token to present; none is fetched here.
            label: what the conversation is called in the journal.
            how: further arguments of :meth:`NfConsumer.call`; ``body`` instead of the probe's; ``query`` is appended
                to the path; with ``assertion`` ``False`` no client credentials assertion is added.

        Raises:
            HarnessError: the profile has no probe for this producer.
            InconclusiveError: ``token`` is the answer of somebody who gave none.
        """
        if isinstance(token, TokenAnswer) and not token.token:
            why = token.failed or f"the NRF answered {token.status}{' without one' if token.ok else ''}"
            raise InconclusiveError(f"no access token could be had: {why}")
        probe = self.producer.probe
        if probe is None:
            raise HarnessError(f"producer {self.producer.name} has no probe: fill in sbi.producers[].probe")
        headers = [*probe.headers.items(), *how.pop("headers", ())]
        if (
            how.pop("assertion", True)
            and self.producer.cca == "required"
            and all(name.lower() != cca.HEADER for name, _ in headers)
        ):
            headers.append((cca.HEADER, cca.assertion(self.signer, self.producer.nf_type or "")))
        query = how.pop("query", "")
        path = probe.path + (f"{'&' if '?' in probe.path else '?'}{query}" if query else "")
        body = how.pop("body", probe.body)
        answer = self.consumer.call(
            self.producer, probe.method, path, body=body, token=token, headers=headers, label=label, **how
        )
        answer.accept = tuple(probe.expect)
        location = answer.header("location")
        if answer.ok and answer.status in probe.expect and location and probe.method in MAKING:
            self.created.append(urljoin(full_path(self.producer, path), location))
        return answer

    @property
    def signer(self) -> NfIdentity:
        """Who signs assertions: the profile's consumer, so that they are right whatever certificate it shows in TLS."""
        own = self.consumer.identity
        named = (one for one in self.consumer.sbi.consumers if one.instance_id and one.instance_id == own.instance_id)
        return next((NfIdentity.of(one) for one in named), own)

    @property
    def path(self) -> str:
        """A path of the producer: the probe's, or the root."""
        return full_path(self.producer, self.producer.probe.path if self.producer.probe else "/")

    @property
    def successes(self) -> tuple[int, ...]:
        """Statuses of a probe that mean that it was served, whether or not the profile expects exactly these."""
        expected = self.producer.probe.expect if self.producer.probe else ()
        return tuple(sorted({200, 201, 202, 203, 204, 205, 206, *expected}))

    @property
    def wants_token(self) -> bool:
        """Whether the probe goes with a token: as the profile says, if it says how to have one."""
        probe, sbi = self.producer.probe, self.consumer.sbi
        said = self.producer.requires_token if probe is None or probe.token is None else probe.token
        return said and (sbi.tokens is not None or sbi.nrf is not None)

    def delete(
        self, location: str, token: str | TokenAnswer | None = None, *, label: str = "DELETE", **how: Any
    ) -> HttpAnswer:
        """Delete what a probe made."""
        answer = self.consumer.call(self.producer, "DELETE", location, token=token, label=label, **how)
        if answer.ok and location in self.created:
            self.created.remove(location)
        return answer

    def release(self, token: str | TokenAnswer | None = None) -> None:
        """Delete everything that the probes made; what goes wrong stands in the journal only."""
        for location in list(self.created):
            try:
                answer = self.delete(location, token, label="tidy up")
                why = "" if answer.ok else answer.failed or f"DELETE was answered {answer.status}"
            except ImsproofError as error:
                why = str(error)
            if why:
                self.consumer.session.note(f"{location} was left behind: {why}", actor=self.consumer.actor)
