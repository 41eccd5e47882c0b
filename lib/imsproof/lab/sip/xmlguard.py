"""XML in the bodies of requests: read without entities (RFC 7303 clause 10 warns of them), and refused with them."""

from __future__ import annotations

import re
import xml.parsers.expat
from typing import TYPE_CHECKING

from imsproof.lab.sip.robustness import block

if TYPE_CHECKING:
    from imsproof.codec.sip import Message
    from imsproof.lab.sip.robustness import RobustPolicy

MAX_BODY = 32_768
MAX_DEPTH = 64
LETTERS_PER_SECOND = 2_000_000
"""How fast a parser that expands entities is taken to be."""
_ENTITY = re.compile(r'<!ENTITY\s+(\w+)\s+"([^"]*)"')


class _UnsafeError(Exception):
    pass


def is_sound(message: Message, policy: RobustPolicy) -> bool:
    """Whether a request's body may be read on: it is no XML, or XML without entities and of modest depth."""
    kind = (message.get("Content-Type") or "").partition(";")[0].strip().lower()
    if not kind.endswith(("+xml", "/xml")):
        return True
    if policy.expands_entities:
        block(_expanded(message.body.decode("utf-8", "replace")) / LETTERS_PER_SECOND)
        return True
    return len(message.body) <= MAX_BODY and _reads(message.body)


def _reads(body: bytes) -> bool:
    parser = xml.parsers.expat.ParserCreate()
    depth = 0

    def opened(*_: object) -> None:
        nonlocal depth
        depth += 1
        if depth > MAX_DEPTH:
            raise _UnsafeError

    def closed(_: str) -> None:
        nonlocal depth
        depth -= 1

    def declared(*_: object) -> None:
        raise _UnsafeError

    parser.StartElementHandler = opened
    parser.EndElementHandler = closed
    parser.StartDoctypeDeclHandler = declared
    try:
        parser.Parse(body, True)
    except (xml.parsers.expat.ExpatError, _UnsafeError, ValueError, LookupError):
        return False
    return True


def _expanded(text: str) -> int:
    """Count the letters that a document has once its entities are expanded."""
    sizes: dict[str, int] = {}
    for name, value in _ENTITY.findall(text):
        sizes[name] = _size(value, sizes)
    return _size(text.rpartition("]>")[2], sizes)


def _size(text: str, sizes: dict[str, int]) -> int:
    return len(text) + sum(sizes.get(name, 0) for name in re.findall(r"&(\w+);", text))
