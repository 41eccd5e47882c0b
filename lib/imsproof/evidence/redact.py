"""Keys and passwords stay out of the evidence, unless they crossed the wire.

What crossed the wire (an event's ``data``) is evidence and stays as it was, whatever it shows. What the harness
itself wrote down beside it (facts, notes, sentences, reasons) is searched for the profile's secrets.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from imsproof.seams import Event, Judgement, Kind

if TYPE_CHECKING:
    from collections.abc import Iterable

MARK = "[redacted]"
SHORTEST = 8
"""Characters; a shorter secret is replaced only where it is the whole text, as it could be part of any word."""


class Redactor:
    """Replaces secrets in text and JSON values; each is looked for as it is, in hex and in base64."""

    def __init__(self, secrets: Iterable[str | bytes]) -> None:
        """Take the secrets: text (a password, hex digits of K or OPc, a PEM) or bytes."""
        forms: set[str] = set()
        for secret in secrets:
            forms |= _forms(secret)
        forms.discard("")
        self._whole = frozenset(form.lower() for form in forms if len(form) < SHORTEST)
        long = sorted((form for form in forms if len(form) >= SHORTEST), key=len, reverse=True)
        self._pattern = re.compile("|".join(re.escape(form) for form in long), re.IGNORECASE) if long else None
        self._starts = frozenset(form[:SHORTEST].lower() for form in long)

    def text(self, text: str) -> str:
        """Return the text with every secret replaced by ``[redacted]``."""
        lower = text.lower()
        if lower in self._whole:
            return MARK
        if self._pattern is None or not self._may_hold_one(lower):
            return text
        return self._pattern.sub(MARK, text)

    def _may_hold_one(self, lower: str) -> bool:
        """Whether a secret may begin somewhere in it: hundreds of forms are not tried at every letter of a journal."""
        return any(lower[at : at + SHORTEST] in self._starts for at in range(len(lower) - SHORTEST + 1))

    def json(self, value: Any) -> Any:
        """Return a JSON value with every secret in its texts (and keys) replaced."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {self.text(str(key)): self.json(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.json(item) for item in value]
        return value

    def event(self, event: Event) -> Event:
        """Return an event with its facts redacted, and its data too where it is a note, which crossed nothing."""
        data = event.data
        if event.kind is Kind.NOTE and data:
            data = self.text(data.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")
        return replace(event, facts=self.json(event.facts), data=data)

    def judgement(self, judgement: Judgement) -> Judgement:
        """Return a judgement with its sentence and parameters redacted."""
        return replace(judgement, sentence=self.text(judgement.sentence), params=self.json(judgement.params))


def _forms(secret: str | bytes) -> set[str]:
    raw = secret.encode("utf-8", "surrogateescape") if isinstance(secret, str) else secret
    forms = {raw.hex(), base64.b64encode(raw).decode(), base64.urlsafe_b64encode(raw).decode().rstrip("=")}
    if isinstance(secret, str):
        forms.add(secret.strip())
        if re.fullmatch(r"(?:[0-9A-Fa-f]{2}){8,}", secret.strip()):
            forms |= _forms(bytes.fromhex(secret))
        forms |= {line for line in secret.split("\n") if "-----" not in line and len(line) > 40}
    return forms
