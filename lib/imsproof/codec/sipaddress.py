"""Addresses in SIP headers: URIs (RFC 3261 19.1, RFC 3966), name-addr (RFC 3261 20.10) and their parameters."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

Params = dict[str, str | None]
"""Parameters in their order: names in lower case; a value of ``None`` is a parameter without ``=``."""


class SipSyntaxError(ValueError):
    """What was read is not what RFC 3261 calls it; the text says what was found."""


def split_quoted(text: str, separator: str, limit: int = 0) -> list[str]:
    """Split at a one-character separator outside quoted strings and angle brackets, and strip the parts.

    Args:
        text: what is split; an unclosed quote or bracket runs to the end.
        separator: one character.
        limit: how many splits at most; 0 for all.
    """
    if separator not in text:
        return [text.strip()]
    parts: list[str] = []
    quoted = bracketed = escaped = False
    begin = 0
    for place, char in enumerate(text):
        if escaped:
            escaped = False
        elif quoted:
            escaped, quoted = char == "\\", char != '"'
        elif char == '"':
            quoted = True
        elif char in "<>":
            bracketed = char == "<"
        elif char == separator and not bracketed and (not limit or len(parts) < limit):
            parts.append(text[begin:place].strip())
            begin = place + 1
    parts.append(text[begin:].strip())
    return parts


def unquote(text: str) -> str:
    """Take the quotes and backslash escapes off a quoted string; other text stays as it is."""
    if len(text) > 1 and text[0] == text[-1] == '"':
        return re.sub(r"\\(.)", r"\1", text[1:-1], flags=re.DOTALL)
    return text


def quote(text: str) -> str:
    """Write text as a quoted string."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def parse_params(text: str) -> Params:
    """Read ``;name=value;flag`` (a leading semicolon is allowed); the first of a repeated name counts."""
    params: Params = {}
    for part in split_quoted(text, ";"):
        name, equals, value = part.partition("=")
        if name.strip():
            params.setdefault(name.strip().lower(), value.strip() if equals else None)
    return params


def format_params(params: Params) -> str:
    """Write parameters, each with its leading semicolon."""
    return "".join(f";{name}" if value is None else f";{name}={value}" for name, value in params.items())


@dataclass(slots=True)
class Uri:
    """A sip, sips or tel URI.

    Attributes:
        scheme: in lower case.
        user: user part without password, or the number of a tel URI; empty when there is none.
        host: name or address in lower case, IPv6 without brackets; empty for tel.
        port: ``None`` when not given.
        params: URI parameters.
        headers: what follows ``?``, as written.
    """

    scheme: str
    user: str = ""
    host: str = ""
    port: int | None = None
    params: Params = field(default_factory=dict)
    headers: str = ""
    password: str | None = None

    def __str__(self) -> str:
        """Write the URI."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port is None else f":{self.port}"
        if self.scheme == "tel":
            return f"tel:{self.user}{format_params(self.params)}"
        if self.scheme not in ("sip", "sips"):
            return f"{self.scheme}:{self.user}"
        secret = "" if self.password is None else f":{self.password}"
        at = f"{self.user}{secret}@" if self.user or self.password is not None else ""
        tail = f"?{self.headers}" if self.headers else ""
        return f"{self.scheme}:{at}{host}{port}{format_params(self.params)}{tail}"

    @property
    def aor(self) -> str:
        """The address of record: scheme, user and host; visual separators of a tel number removed."""
        if self.scheme == "tel":
            return "tel:" + re.sub(r"[-.()]", "", self.user)
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}:{self.user}@{host}" if self.user else f"{self.scheme}:{host}"


_URI = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*):(?P<rest>.*)", re.DOTALL)
_HOST = re.compile(r"(?:\[(?P<v6>[0-9A-Fa-f:.]+)\]|(?P<name>[A-Za-z0-9_.-]+))(?::(?P<port>\d{1,5}))?")


def parse_uri(text: str) -> Uri:
    """Read a URI; of schemes other than sip, sips and tel only the scheme is taken apart (the rest is ``user``).

    Raises:
        SipSyntaxError: no scheme, white space or angle brackets inside, or a sip URI without a good host.
    """
    match = _URI.fullmatch(text)
    if match is None or re.search(r"[\s<>]", text):
        raise SipSyntaxError(f"{text[:80]!r} is not a URI")
    scheme, rest = match["scheme"].lower(), match["rest"]
    if scheme not in ("sip", "sips"):
        number, _, params = rest.partition(";")
        return Uri(scheme, number, params=parse_params(params)) if scheme == "tel" else Uri(scheme, rest)
    userinfo, at, hostpart = rest.rpartition("@")
    user, colon, password = userinfo.partition(":")
    hostpart, _, headers = hostpart.partition("?")
    hostport, _, params = hostpart.partition(";")
    host = _HOST.fullmatch(hostport)
    port = int(host["port"]) if host and host["port"] else None
    if host is None or (at and not user) or (port or 0) > 65535:
        raise SipSyntaxError(f"{text[:80]!r} is not a {scheme} URI: its host part is {hostport[:80]!r}")
    name = (host["v6"] or host["name"]).lower()
    return Uri(scheme, user, name, port, parse_params(params), headers, password if colon else None)


@dataclass(slots=True)
class NameAddr:
    """A value of From, To, Contact, Route and their like.

    Attributes:
        display: display name without quotes; empty when there is none.
        uri: the URI as written.
        params: header parameters such as tag (not those of the URI).
    """

    display: str
    uri: str
    params: Params = field(default_factory=dict)

    def __str__(self) -> str:
        """Write the value, always with angle brackets."""
        display = f"{quote(self.display)} " if self.display else ""
        return f"{display}<{self.uri}>{format_params(self.params)}"

    @property
    def tag(self) -> str | None:
        """The tag parameter."""
        return self.params.get("tag")


def parse_name_addr(text: str) -> NameAddr:
    """Read ``"Display" <uri>;params`` or ``uri;params``; the URI itself is not checked.

    Raises:
        SipSyntaxError: quotes or brackets are not closed, or there is no URI.
    """
    text = text.strip()
    display, rest = "", text
    if text.startswith('"'):
        match = re.match(r'"(?:[^"\\]|\\.)*"', text, re.DOTALL)
        if match is None:
            raise SipSyntaxError(f"{text[:80]!r}: the quoted display name does not end")
        display, rest = unquote(match[0]), text[match.end() :].strip()
        if not rest.startswith("<"):
            raise SipSyntaxError(f"{text[:80]!r}: no <uri> after the display name")
    before, bracket, after = rest.partition("<")
    if bracket:
        uri, closed, params = after.partition(">")
        if not closed:
            raise SipSyntaxError(f"{text[:80]!r}: the angle bracket is not closed")
        return NameAddr(display or before.strip(), uri, parse_params(params))
    uri, _, params = rest.partition(";")
    if not uri.strip():
        raise SipSyntaxError(f"{text[:80]!r} holds no address")
    return NameAddr("", uri.strip(), parse_params(params))
