"""An NF consumer that reaches producers through an SCP (indirect communication, TS 29.500 clause 6.10)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imsproof.actors import cca
from imsproof.actors.nf import NfConsumer
from imsproof.actors.nfrequest import authority, full_path
from imsproof.profile.sbi import Producer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from imsproof.actors.nfidentity import NfIdentity
    from imsproof.actors.nfrequest import Headers, Target
    from imsproof.link.session import Session
    from imsproof.profile.sbi import Sbi, Scp

TARGET = "3gpp-sbi-target-apiroot"
Assertion = str | None


class IndirectConsumer(NfConsumer):
    """A consumer whose calls of producers go to the SCP, with the producer's API root and an assertion.

    Attributes:
        scp: where calls go.
        assertion: makes the client credentials assertion of a call; ``None`` for none.
        target: the API roots to name instead of the producer's, each in a header of its own.
    """

    def __init__(self, session: Session, sbi: Sbi, scp: Scp, identity: NfIdentity | None = None) -> None:
        """Reach producers through ``scp``, with good assertions to begin with."""
        super().__init__(session, sbi, identity, actor="nf-consumer")
        self.scp = scp
        self.assertion: Callable[[Producer], Assertion] = self.good
        self.target: Sequence[str] = ()

    def good(self, producer: Producer) -> Assertion:
        """The assertion that is right for a producer."""
        return cca.assertion(self.identity, producer.nf_type or "")

    def route(self, target: Target, path: str, headers: Headers) -> tuple[Target, str, Headers]:
        """Lead what is for a producer through the SCP."""
        if not isinstance(target, Producer):
            return super().route(target, path, headers)
        assertion = self.assertion(target)
        own = [(TARGET, root) for root in self.target or (f"{target.url.scheme}://{authority(target)}",)]
        own += [(cca.HEADER, assertion)] if assertion else []
        return self.scp, full_path(target, path), [*headers, *own]
