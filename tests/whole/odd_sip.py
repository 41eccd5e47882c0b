"""SIP messages as ``odd_registrar.py`` reads and writes them: nothing of the harness is used, forms can be odd."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

SHORT = {"via": "v", "from": "f", "to": "t", "call-id": "i", "contact": "m", "content-length": "l", "content-type": "c"}
LONG = {short: name for name, short in SHORT.items()} | {"k": "supported", "x": "session-expires", "s": "subject"}
LISTS = ("via", "contact", "route", "record-route", "path", "service-route", "p-associated-uri", "p-asserted-identity")
FOLDED = ("via", "to", "contact", "www-authenticate")


class UnreadableError(Exception):
    """What came is no SIP message."""


@dataclass
class Message:
    """A message: start line, headers with their long names in small letters, body."""

    start: str
    headers: list[tuple[str, str]]
    body: bytes = b""

    @classmethod
    def read(cls, data: bytes) -> Message:
        head, gap, body = data.partition(b"\r\n\r\n")
        lines = re.sub(r"\r\n[ \t]+", " ", head.decode("utf-8", "surrogateescape")).split("\r\n")
        if not gap or "SIP/2.0" not in lines[0]:
            raise UnreadableError
        headers = []
        for line in lines[1:]:
            name, colon, value = line.partition(":")
            if not colon:
                raise UnreadableError
            name = name.strip().lower()
            headers.append((LONG.get(name, name), value.strip()))
        made = cls(lines[0], headers, body)
        lengths = made.all("content-length")
        if (
            any(not one.isdecimal() for one in lengths)
            or len(set(lengths)) > 1
            or (lengths and int(lengths[0]) > len(body))
        ):
            raise UnreadableError
        if any(len(made.all(name)) != 1 for name in ("from", "to", "call-id", "cseq")) or not made.all("via"):
            raise UnreadableError
        if lengths:
            made.body = body[: int(lengths[0])]
        return made

    @property
    def method(self) -> str:
        return "" if self.start.startswith("SIP/") else self.start.split()[0]

    @property
    def status(self) -> int:
        return int(self.start.split()[1]) if self.start.startswith("SIP/") else 0

    @property
    def uri(self) -> str:
        return self.start.split()[1]

    def all(self, name: str) -> list[str]:
        return [value for one, value in self.headers if one == name]

    def each(self, name: str) -> list[str]:
        return [part for value in self.all(name) for part in split(value)]

    def get(self, name: str) -> str:
        return next(iter(self.all(name)), "")

    def drop(self, *names: str) -> None:
        self.headers = [(name, value) for name, value in self.headers if name not in names]

    def put(self, name: str, *values: str) -> None:
        """Replace the header by these values, on top of all others."""
        self.drop(name)
        self.headers[:0] = [(name, value) for value in values]

    def copy(self) -> Message:
        return Message(self.start, list(self.headers), self.body)

    @property
    def branch(self) -> str:
        return param(self.each("via")[0], "branch")


def split(value: str) -> list[str]:
    """Split at commas outside of quotes and angle brackets."""
    return [part.strip() for part in re.findall(r'(?:"(?:\\.|[^"\\])*"|<[^>]*>|[^,"<])+', value) if part.strip()]


def param(value: str, name: str) -> str:
    """A parameter behind the angle brackets, or of a Via."""
    found = re.search(rf';\s*{name}\s*=\s*("[^"]*"|[^;,\s]+)', value.rpartition(">")[2], re.IGNORECASE)
    return found[1].strip('"') if found else ""


def address(value: str) -> str:
    """The URI of a name-addr or addr-spec."""
    found = re.search(r"<([^>]*)>", value)
    return found[1] if found else value.partition(";")[0].strip()


def user_of(uri: str) -> str:
    return re.sub(r"^sips?:", "", uri, flags=re.IGNORECASE).partition("@")[0].partition(":")[0].lower()


def host_of(uri: str) -> str:
    return re.sub(r"^sips?:", "", uri, flags=re.IGNORECASE).rpartition("@")[2].partition(";")[0]


def shaped(message: Message, has: Callable[[str], bool], *, reliable: bool) -> bytes:
    """Write a message as the traits want it."""
    headers = [(name, value) for name, value in message.headers if name != "content-length"]
    if has("unknown"):
        headers += [("x-odd-thing", 'a;b="c,d"'), ("p-", "")]
    if has("joined"):
        headers = joined(headers)
    if has("reversed"):
        names = list(dict.fromkeys(name for name, _ in headers))[::-1]
        headers = [(one, value) for one in names for name, value in headers if name == one]
    if reliable or not has("no-length"):
        headers.append(("content-length", str(len(message.body))))
    lines = [line(name, value, has) for name, value in headers]
    start = re.sub(r"^(SIP/2.0 \d+ ).*", r"\1", message.start) if has("unknown") else message.start
    return "\r\n".join([start, *lines, "", ""]).encode("utf-8", "surrogateescape") + message.body


def joined(headers: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Write the values of each list header on one line."""
    found: dict[str, list[str]] = {}
    for name, value in headers:
        found.setdefault(name, []).append(value)
    return [
        (name, value) for name, values in found.items() for value in ([", ".join(values)] if name in LISTS else values)
    ]


def line(name: str, value: str, has: Callable[[str], bool]) -> str:
    """Write one header field."""
    written = SHORT.get(name, name) if has("compact") else name
    if not has("small") and len(written) > 1:
        written = "-".join(word.capitalize() for word in written.split("-"))
    if has("folded") and name in FOLDED:
        value = re.sub(r"([;,]) ?(?=[^\"]*(?:\"[^\"]*\"[^\"]*)*$)", "\\1\r\n  ", value)
    return f"{written} \t: {value}" if has("small") else f"{written}: {value}"
