"""``expect(...)``: how a testcase writes judgements. It computes nothing by itself; predicates do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from imsproof.judge import predicates as _predicates  # noqa: F401 - importing registers the predicates
from imsproof.judge.registry import LAST, apply
from imsproof.judge.verdict import not_accepted
from imsproof.seams import InconclusiveError, Judgement, Outcome, Role, Subject

if TYPE_CHECKING:
    from collections.abc import Sequence


class Expectation:
    """What is expected of one conversation; each method stores a judgement and returns the expectation again."""

    def __init__(self, subject: Subject, role: Role) -> None:
        """Expect something of ``subject``; ``role`` says how the judgement weighs."""
        self._subject = subject
        self._role = role
        self.last: Judgement | None = None

    @property
    def held(self) -> bool:
        """Whether the last judgement held (for a testcase that cannot go on without its control)."""
        return self.last is not None and self.last.outcome is Outcome.HOLDS

    def that(self, predicate: str, *, role: Role | None = None, **params: Any) -> Expectation:
        """Apply any registered predicate with its parameters.

        Raises:
            InconclusiveError: it is a control that does not hold: whatever came after would prove nothing.
        """
        record = self._subject.record
        params.setdefault(LAST, len(record.events))
        self.last = apply(predicate, record.events, role=role or self._role, params=params)
        record.judgements.append(self.last)
        if self.last.role is Role.CONTROL and not self.held:
            raise InconclusiveError(not_accepted(self.last))
        return self

    def _own(self, predicate: str, *, role: Role | None = None, **params: Any) -> Expectation:
        return self.that(predicate, role=role, exchange=self._subject.exchange, **params)

    def accepted(self, accept: Sequence[int] | None = None) -> Expectation:
        """The lab did what was asked."""
        return self._own("accepted", **_accept(self._subject, accept))

    def serves(self) -> Expectation:
        """The lab still did what was asked: one that cannot be reached any more has failed, too."""
        return self.that("serves", exchanges=[self._subject.exchange], **_accept(self._subject, None))

    def refused(
        self,
        *,
        status: Sequence[int] = (),
        alert: Sequence[str] = (),
        oauth: Sequence[str] = (),
        accept: Sequence[int] | None = None,
    ) -> Expectation:
        """The lab refused, by whichever means; ``status``, ``alert`` and ``oauth`` grade the form afterwards."""
        self._own("refused", **_accept(self._subject, accept))
        refused = self.last
        if self.held:
            if status:
                self._own("status-in", role=Role.FORM, statuses=list(status))
            if alert:
                self._own("alert-in", role=Role.FORM, alerts=list(alert))
            if oauth:
                self._own("oauth-error", role=Role.FORM, errors=list(oauth))
        self.last = refused
        return self

    def negotiated(self, version: str) -> Expectation:
        """A TLS or DTLS handshake completed with this version (``TLSv1.2``, ``TLSv1.3``, ``DTLSv1.2``)."""
        return self._own("negotiated-version", version=version)

    def handshake_refused(self, *versions: str, alert: Sequence[str] = ()) -> Expectation:
        """No handshake completed (with one of ``versions``)."""
        self._own("handshake-refused", versions=list(versions))
        refused = self.last
        if self.held and alert:
            self._own("alert-in", role=Role.FORM, alerts=list(alert))
        self.last = refused
        return self

    def holds(self, predicate: str, *, role: Role | None = None, **params: Any) -> Expectation:
        """Apply a predicate that is about this conversation (its ``exchange`` is filled in)."""
        return self._own(predicate, role=role, **params)


def expect(subject: Subject) -> Expectation:
    """What the purpose claims of a conversation."""
    return Expectation(subject, Role.CLAIM)


def control(subject: Subject) -> Expectation:
    """The well-formed, authorised request: must be accepted before a refusal proves anything, or the purpose ends."""
    return Expectation(subject, Role.CONTROL)


def afterwards(subject: Subject) -> Expectation:
    """That the lab still serves, where that shows in something else than the answer to a probe."""
    return Expectation(subject, Role.ALIVE)


def alive(*subjects: Subject, accept: Sequence[int] | None = None) -> Expectation:
    """The lab serves afterwards: the first probe is from the same source, further ones from others."""
    expectation = Expectation(subjects[0], Role.ALIVE)
    return expectation.that(
        "serves", exchanges=[subject.exchange for subject in subjects], **_accept(subjects[0], accept)
    )


def _accept(subject: Subject, accept: Sequence[int] | None) -> dict[str, Any]:
    wanted = accept if accept is not None else getattr(subject, "accept", None)
    return {} if wanted is None else {"accept": list(wanted)}
