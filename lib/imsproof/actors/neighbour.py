"""Another NF that uses the same producer meanwhile: what is done to one consumer must not be felt by another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imsproof.actors.nf import NfConsumer
from imsproof.actors.nfidentity import NfIdentity
from imsproof.actors.producerclient import ProducerClient
from imsproof.seams import HarnessError

if TYPE_CHECKING:
    from imsproof.link.subject import HttpAnswer
    from imsproof.profile.sbi import Producer, Sbi


class Neighbour:
    """The second authorised consumer of the profile, or the first on connections of its own when there is no second.

    Attributes:
        client: the producer as that consumer sees it.
        token: its access token, when one is needed.
    """

    def __init__(self, first: NfConsumer, sbi: Sbi, producer: Producer) -> None:
        """Take the consumer and get its token."""
        more = [one for one in sbi.consumers if one.role == "authorised" and one is not sbi.consumer]
        identity = NfIdentity.of(more[0]) if more else first.identity
        self.client = ProducerClient(NfConsumer(first.session, sbi, identity, actor="another-nf"), producer)
        self.token = self.client.token(label="token of another NF") if self.client.wants_token else None

    def probe(self, label: str) -> HttpAnswer:
        """Ask for service, and give back what that made."""
        answer = self.client.probe(self.token, label=label)
        self.client.release(self.token)
        return answer

    async def aprobe(self, label: str = "another NF meanwhile") -> HttpAnswer:
        """Ask for service; what it makes is given back by :meth:`release`."""
        probe = self.client.producer.probe
        if probe is None:
            raise HarnessError(f"producer {self.client.producer.name} has no probe: fill in sbi.producers[].probe")
        answer = await self.client.consumer.acall(
            self.client.producer,
            probe.method,
            probe.path,
            body=probe.body,
            token=self.token,
            headers=list(probe.headers.items()),
            label=label,
            patient=False,
        )
        answer.accept = tuple(probe.expect)
        location = answer.header("location")
        if answer.status in probe.expect and location:
            self.client.created.append(location)
        return answer

    def release(self) -> None:
        """Give back everything that was made."""
        self.client.release(self.token)
