"""JSON bodies that must not be taken, made from a producer's probe: TS 33.117 clause 4.3.6, RFC 8259, RFC 6902."""

from __future__ import annotations

import copy
import gzip
import json
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

JSON_TYPE = "application/json"
PATCH_TYPE = "application/json-patch+json"
MAX_LEAVES = 2_097_152
MAX_BODY = 16_000_000
"""TS 29.501 clause 6.2: leaves of a message, octets of a body; nesting is at most 32."""
NAMES = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
BOMB = 200_000_000
HUGE_DIGITS = 20_000
DOUBLINGS = 16
"""65 536 times the resource: far more than a lab may hold, and not so much that it must die of it."""
Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class JsonCase:
    """One body, and how it is declared.

    Attributes:
        name: what is wrong with it.
        body: as it is sent.
        content_type: as it is declared; ``""`` for none.
        query: appended to the path.
        coding: content-encoding, ``""`` for none.
        claimed: that it is refused is claimed; else only that the lab serves on, and the form is judged.
    """

    name: str
    body: bytes
    content_type: str = JSON_TYPE
    query: str = ""
    coding: str = ""
    claimed: bool = True


def _text(body: Body) -> str:
    return json.dumps(body)


def _with(body: Body, member: str) -> bytes:
    """The body with one more member, written as text, at its end."""
    return f"{_text(body)[:-1]}, {member}}}".encode()


def duplicates(body: Body) -> list[JsonCase]:
    """Members that stand twice (TS 33.117 clause 4.3.6.3)."""
    name = next(iter(body))
    same = json.dumps(body[name])
    escaped = "".join(f"\\u{ord(letter):04x}" for letter in name)
    nested = _text(body).replace('"', '"imsproof": 1, "imsproof": 1, "', 1) if '"' in _text(body) else ""
    return [
        JsonCase("a member twice with the same value", _with(body, f'"{name}": {same}')),
        JsonCase("a member twice with another value before", f'{{"{name}": null, {_text(body)[1:]}'.encode()),
        JsonCase("a member twice, once escaped", _with(body, f'"{escaped}": {same}')),
        JsonCase("an unknown member twice", nested.encode()),
        JsonCase("a member twice within a member", _with(body, '"imsproof": {"a": 1, "a": 2}')),
    ]


def nestings(body: Body) -> list[JsonCase]:
    """More than 32 levels (TS 33.117 clause 4.3.6.4)."""
    return [
        JsonCase(f"{depth} levels of {kind}", _with(body, f'"imsproof": {opening * depth}1{closing * depth}'))
        for depth in (40, 1_000, 100_000)
        for kind, opening, closing in (("objects", '{"a":', "}"), ("arrays", "[", "]"))
    ]


def leaves(body: Body) -> list[JsonCase]:
    """More than 2 097 152 leaves within 16 million octets (TS 33.117 clause 4.3.6.4)."""
    one = "{" + ",".join(f'"{name}":1' for name in NAMES) + "}"
    many = ",".join([one] * (MAX_LEAVES // len(NAMES) + 1))
    return [JsonCase(f"more than {MAX_LEAVES} leaves", _with(body, f'"imsproof":[{many}]'))]


def sizes(body: Body) -> list[JsonCase]:
    """A body of more than 16 million octets (TS 33.117 clause 4.3.6.4), otherwise right."""
    text = _text(body).encode()
    return [JsonCase(f"{MAX_BODY + 1} octets", text + b" " * (MAX_BODY + 1 - len(text)))]


def compressed(body: Body) -> list[JsonCase]:
    """Compressed bodies (RFC 9110 section 8.4.1): those that unpack to too much are refused, others survived."""
    text = _text(body).encode()
    bomb = text + b" " * (MAX_BODY + 1 - len(text))
    small = gzip.compress(text)
    return [
        JsonCase(f"gzip that unpacks to {MAX_BODY + 1} octets", gzip.compress(bomb), coding="gzip"),
        JsonCase("deflate that unpacks to as much", zlib.compress(bomb), coding="deflate"),
        JsonCase("gzip in gzip that unpacks to as much", gzip.compress(gzip.compress(bomb)), coding="gzip, gzip"),
        JsonCase("gzip of 200 million octets", _zeros(BOMB), coding="gzip"),
        JsonCase("gzip that is cut off", small[: len(small) // 2], coding="gzip"),
        JsonCase("gzip with a wrong checksum", small[:-8] + bytes(8), coding="gzip", claimed=False),
        JsonCase("a coding that there is not", text, coding="imsproof", claimed=False),
        JsonCase("the right body in gzip", small, coding="gzip", claimed=False),
    ]


def _zeros(count: int) -> bytes:
    """So many octets of zero in gzip, made without holding them."""
    packer = zlib.compressobj(wbits=zlib.MAX_WBITS | 16)
    pieces = [packer.compress(bytes(1_000_000)) for _ in range(count // 1_000_000)]
    return b"".join([*pieces, packer.flush()])


def syntax(body: Body) -> list[JsonCase]:
    """What is no JSON (RFC 8259), or not declared as JSON."""
    text = _text(body)
    return [
        JsonCase("a comma too many", f"{text[:-1]},}}".encode()),
        JsonCase("text after the value", f"{text} {{}}".encode()),
        JsonCase("the last brace missing", text[:-1].encode()),
        JsonCase("a comment", f"/* */{text}".encode()),
        JsonCase("single quotes", text.replace('"', "'").encode()),
        JsonCase("NaN", _with(body, '"imsproof": NaN')),
        JsonCase("a number in hexadecimal", _with(body, '"imsproof": 0x10')),
        JsonCase("an unescaped line feed in a string", _with(body, '"imsproof": "a\nb"')),
        JsonCase("octets that are not UTF-8", text[:-1].encode() + b', "imsproof": "\xff\xfe"}'),
        JsonCase("a call of a function", f"eval({text})".encode()),
        JsonCase("an array instead of an object", f"[{text}]".encode()),
        JsonCase("null", b"null"),
        JsonCase("a string", b'"imsproof"'),
        JsonCase("no octets at all", b""),
        JsonCase("text/plain", text.encode(), "text/plain"),
        JsonCase("application/xml", b"<a/>", "application/xml"),
        JsonCase("a form", b"a=b", "application/x-www-form-urlencoded"),
    ]


def odd(body: Body) -> list[JsonCase]:
    """What a lab may take or refuse, but must survive."""
    text = _text(body).encode()
    return [
        JsonCase("a number of 20000 digits", _with(body, f'"imsproof": {"9" * HUGE_DIGITS}'), claimed=False),
        JsonCase("1e400", _with(body, '"imsproof": 1e400'), claimed=False),
        JsonCase("a lone surrogate", _with(body, '"imsproof": "\\ud800"'), claimed=False),
        JsonCase("a NUL in a string", _with(body, '"imsproof": "\\u0000"'), claimed=False),
        JsonCase("__proto__", _with(body, '"__proto__": {"polluted": true}'), claimed=False),
        JsonCase("an empty name", _with(body, '"": 1'), claimed=False),
        JsonCase("a string of a megabyte", _with(body, f'"imsproof": "{"a" * 1_000_000}"'), claimed=False),
        JsonCase("an empty key in the query", text, query="=x", claimed=False),
        JsonCase("a query of separators", text, query="&&&==&", claimed=False),
        JsonCase("a query with broken escapes", text, query="%zz=%", claimed=False),
        JsonCase("a thousand keys in the query", text, query="&".join(f"k{n}=1" for n in range(1_000)), claimed=False),
        JsonCase("an empty multipart", b"", "multipart/related; boundary=x", claimed=False),
        JsonCase("a multipart without parts", b"--x--\r\n", "multipart/related; boundary=x", claimed=False),
        JsonCase("a multipart without a boundary", text, "multipart/related", claimed=False),
        JsonCase(
            "a multipart that does not end", b"--x\r\n\r\n" + text, "multipart/related; boundary=x", claimed=False
        ),
    ]


HOSTILE_IDS = (
    "..%2f..%2f..%2f..%2fetc%2fpasswd",
    "%2e%2e/%2e%2e/%2e%2e/etc/passwd",
    "..%252f..%252fetc%252fpasswd",
    "..%5c..%5cwindows%5cwin.ini",
    "%2fetc%2fpasswd",
    "x%00",
    "*",
    "%2a",
    "..%2f*",
    "%25",
    "'%20or%20'1'='1",
    "$%7bjndi:ldap:%2f%2f127.0.0.1:9%2fx%7d",
    "a" * 4_000,
)
"""Identifiers that name nothing: traversal, patterns, injections."""


def patches(body: Body) -> list[tuple[str, object]]:
    """Patches (RFC 6902) that do not apply or are not well formed."""
    name = next(iter(body))
    value = body[name]
    keep = {"op": "replace", "path": f"/{name}", "value": value}
    array = f"/{name}" if isinstance(value, list) else "/imsproof"
    found: list[tuple[str, object]] = [
        ("a test that does not hold", [{"op": "test", "path": f"/{name}", "value": "imsproof"}, keep]),
        ("a change, then a test that fails", [_change(name), {"op": "test", "path": "/imsproof", "value": 1}]),
        ("a test beyond the array", [{"op": "test", "path": f"{array}/999999", "value": 1}]),
        ("a removal beyond the array", [{"op": "remove", "path": f"{array}/999999"}]),
        ("an addition beyond the array", [{"op": "add", "path": f"{array}/999999", "value": {}}]),
        ("an index below 0", [{"op": "remove", "path": f"{array}/-1"}]),
        ("an index with a leading zero", [{"op": "test", "path": f"{array}/00", "value": {}}]),
        ("a move into its own child", [{"op": "move", "from": f"/{name}", "path": f"/{name}/0/x"}]),
        ("a move from nowhere", [{"op": "move", "from": "/nowhere", "path": "/imsproof"}]),
        ("a move beyond the array", [{"op": "move", "from": f"{array}/0", "path": f"{array}/999999"}]),
        ("a copy from beyond the array", [{"op": "copy", "from": f"{array}/999999", "path": "/imsproof"}]),
        ("an operation that is not known", [{"op": "explode", "path": f"/{name}"}]),
        ("an operation without a path", [{"op": "remove"}]),
        ("a path that is a number", [{"op": "remove", "path": 1}]),
        ("a patch that is an object", keep),
        ("a patch that is a text", "imsproof"),
        ("copies that double each time", _doubling(array)),
    ]
    return found


def _change(name: str) -> dict[str, Any]:
    return {"op": "replace", "path": f"/{name}", "value": [{"imsproof": "changed"}]}


def _doubling(array: str) -> list[dict[str, Any]]:
    return [{"op": "copy", "from": array, "path": f"{array}/-"} for _ in range(DOUBLINGS)]


def changed(body: Body, where: Sequence[str | int], value: Any) -> Body:
    """A copy of a body with one value in it changed; ``...`` leaves it out."""
    made = copy.deepcopy(body)
    target: Any = made
    for part in where[:-1]:
        target = target[part]
    if value is ...:
        del target[where[-1]]
    else:
        target[where[-1]] = value
    return made


def place_of(name: str, value: Any) -> tuple[str | int, ...] | None:
    """The path to the first object that is called ``name`` in a body, ``None`` without one."""
    inner: list[tuple[str | int, Any]] = []
    if isinstance(value, dict):
        if isinstance(value.get(name), dict):
            return (name,)
        inner = list(value.items())
    elif isinstance(value, list):
        inner = list(enumerate(value))
    return next(((key, *found) for key, one in inner if (found := place_of(name, one)) is not None), None)


def encoded(body: Body, where: Sequence[str | int], value: Any) -> bytes:
    """A body with one value in it changed, as it is sent."""
    return json.dumps(changed(body, where, value)).encode()


HOSTILE_URLS: Mapping[str, str] = {
    "a file": "file:///etc/passwd",
    "a scheme that is no HTTP": "gopher://127.0.0.1:9/x",
    "a script": "javascript:alert(1)",
    "no scheme": "//127.0.0.1:9/x",
    "no host": "http:///x",
    "text that is no URL": "imsproof",
    "a URL with control characters": "http://127.0.0.1:9/x\r\nx-injected: 1",
    "an empty URL": "",
}
"""URLs that no network function can be meant to follow."""
