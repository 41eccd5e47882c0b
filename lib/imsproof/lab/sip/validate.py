"""What a proxy refuses at the door: requests that RFC 3261 does not allow (16.3), by the cases of RFC 4475."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from imsproof.codec.sip import Message, SipSyntaxError, parse_name_addr, parse_uri, split_quoted
from imsproof.lab.sip.hops import parse_via

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Mapping

TOKEN = re.compile(r"[A-Za-z0-9.!%*_+`'~-]+")
START = re.compile(r"(?P<method>\S+) (?P<uri>\S+) SIP/2\.0")
SCHEMES = ("sip", "sips", "tel")
PROXY_EXTENSIONS = {"sec-agree", "privacy"}
ONCE = ("From", "To", "Call-ID", "CSeq", "Max-Forwards")
NEEDED = ("Via", "From", "To", "Call-ID", "CSeq")
MAX_HEADERS = 256
CSEQ_LIMIT = 1 << 31
EXPIRES_LIMIT = 1 << 32


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a request is refused: status, reason phrase, and a further header if the status asks for one."""

    status: int
    reason: str
    header: tuple[str, str] | None = None


def check(message: Message, *, datagram: bool, skip: Container[str] = (), strict: Iterable[str] = ()) -> Problem | None:
    """Return the first thing that is wrong with a request, or ``None``.

    Args:
        message: the request.
        datagram: whether it came alone in a datagram, so that Content-Length can be held against its size.
        skip: names of :data:`CHECKS` that are left out.
        strict: names of :data:`STRICT` that are added: they refuse what is valid.
    """
    try:
        for name, look in CHECKS.items():
            if name not in skip:
                look(message, datagram)
        for name in strict:
            STRICT[name](message)
    except _Refused as refused:
        return refused.problem
    except SipSyntaxError:
        return Problem(400, "Bad Request")
    return None


class _Refused(Exception):  # noqa: N818 - not an error of ours, a finding
    def __init__(self, status: int, reason: str, header: tuple[str, str] | None = None) -> None:
        super().__init__(reason)
        self.problem = Problem(status, reason, header)


def _bad(reason: str) -> _Refused:
    return _Refused(400, reason)


def _check_size(message: Message, _datagram: bool) -> None:
    if len(message.headers) > MAX_HEADERS:
        raise _Refused(513, "Message Too Large")


def _check_version(message: Message, _datagram: bool) -> None:
    if re.fullmatch(r"SIP/\d+\.\d+", message.version) and message.version != "SIP/2.0":
        raise _Refused(505, "Version Not Supported")


def _check_needed(message: Message, _datagram: bool) -> None:
    for name in NEEDED:
        if not message.get(name):
            raise _bad(f"Missing {name}")


def _check_repeated(message: Message, _datagram: bool) -> None:
    for name in ONCE:
        if len(message.get_all(name)) > 1:
            raise _bad(f"Repeated {name}")


def _check_names(message: Message, _datagram: bool) -> None:
    if any(not header.name or not TOKEN.fullmatch(header.name) for header in message.headers):
        raise _bad("Malformed Header Line")


def _check_via(message: Message, _datagram: bool) -> None:
    for value in message.values("Via"):
        _no_empty_params(value)
        parse_via(value)


def _check_all_addresses(message: Message, _datagram: bool) -> None:
    for name in ("From", "To", "Contact", "Route", "Record-Route"):
        _check_addresses(message, name)


def _check_start_line(message: Message, _datagram: bool) -> None:
    match = START.fullmatch(message.start_line)
    if match is None or not TOKEN.fullmatch(match["method"]):
        raise _bad("Malformed Request-Line")
    scheme = match["uri"].partition(":")[0].lower()
    if re.fullmatch(r"[a-z][a-z0-9+.-]*", scheme) and scheme not in SCHEMES and ":" in match["uri"]:
        raise _Refused(416, "Unsupported URI Scheme")
    if parse_uri(match["uri"]).headers:
        raise _bad("Headers in Request-URI")


def _check_sequence(message: Message, _datagram: bool) -> None:
    words = (message.get("CSeq") or "").split()
    if len(words) != 2 or not words[0].isascii() or not words[0].isdigit():
        raise _bad("Malformed CSeq")
    if len(words[0]) > 20 or int(words[0]) >= CSEQ_LIMIT:
        raise _bad("CSeq Out Of Range")
    if words[1] != message.method:
        raise _bad("CSeq Method Mismatch")


def _check_length(message: Message, datagram: bool) -> None:
    lengths = set(message.get_all("Content-Length"))
    if len(lengths) > 1:
        raise _bad("Conflicting Content-Length")
    for text in lengths:
        if not re.fullmatch(r"[0-9]{1,9}", text):
            raise _bad("Malformed Content-Length")
        if datagram and int(text) > len(message.body):
            raise _bad("Content-Length Beyond Datagram")


def _check_addresses(message: Message, name: str) -> None:
    for value in message.values(name):
        if value == "*" and name == "Contact":
            continue
        _no_empty_params(value)
        address = parse_name_addr(value)
        if "<" not in value and re.search(r"[?,]", address.uri):
            raise _bad(f"Malformed {name}")
        if address.uri.partition(":")[0].lower() in SCHEMES or name in ("Route", "Record-Route"):
            parse_uri(address.uri)
        elif not re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s<>]+", address.uri):
            raise _bad(f"Malformed {name}")
        if "<" in value and not _good_display(value):
            raise _bad(f"Malformed {name}")


def _good_display(value: str) -> bool:
    """A display name is quoted, or made of tokens (RFC 3261 25.1)."""
    before = value.partition("<")[0].strip()
    return before.startswith('"') or all(TOKEN.fullmatch(word) for word in before.split())


def _no_empty_params(value: str) -> None:
    if "" in split_quoted(value, ";")[1:]:
        raise _bad("Empty Parameter")


def _check_times(message: Message, _datagram: bool) -> None:
    for text in message.get_all("Expires"):
        if not re.fullmatch(r"[0-9]{1,20}", text) or int(text) >= EXPIRES_LIMIT:
            raise _bad("Malformed Expires")
    for text in message.get_all("Date"):
        if not text.endswith("GMT"):
            raise _bad("Malformed Date")


def _check_hops(message: Message, _datagram: bool) -> None:
    text = message.get("Max-Forwards")
    if text is None:
        return
    if not re.fullmatch(r"[0-9]{1,9}", text) or int(text) > 255:
        raise _bad("Malformed Max-Forwards")
    if int(text) == 0:
        raise _Refused(483, "Too Many Hops")


def _check_extensions(message: Message, _datagram: bool) -> None:
    unknown = [tag for tag in message.values("Proxy-Require") if tag.lower() not in PROXY_EXTENSIONS]
    if unknown:
        raise _Refused(420, "Bad Extension", ("Unsupported", ", ".join(unknown)))


def _no_odd_form(message: Message) -> None:
    """Refuse folding and compact names, which RFC 3261 allows (7.3.1, 7.3.3)."""
    for one in message.headers:
        if len(one.name) == 1 or b"\n " in one.raw.replace(b"\t", b" "):
            raise _bad("Odd Form")


def _no_ipv6(message: Message) -> None:
    """Refuse IPv6 references, which RFC 3261 allows (25.1)."""
    for name in ("Via", "Contact", "From"):
        if any("[" in text for text in message.get_all(name)):
            raise _bad("Odd Address")


CHECKS: Mapping[str, Callable[[Message, bool], None]] = {
    "size": _check_size,
    "version": _check_version,
    "request-line": _check_start_line,
    "needed": _check_needed,
    "repeated": _check_repeated,
    "names": _check_names,
    "sequence": _check_sequence,
    "length": _check_length,
    "via": _check_via,
    "addresses": _check_all_addresses,
    "times": _check_times,
    "hops": _check_hops,
    "extensions": _check_extensions,
}
"""What the door looks at, in this order."""

STRICT: Mapping[str, Callable[[Message], None]] = {"form": _no_odd_form, "ipv6": _no_ipv6}
"""What a door that refuses valid requests looks at as well."""
