"""Via, Route and Record-Route: how messages find their way there and back (RFC 3261 16 and 18.2, RFC 3581)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from imsproof.codec.sip import Header, Message, SipSyntaxError, Uri, parse_name_addr, parse_uri
from imsproof.codec.sipaddress import Params, format_params, parse_params, split_quoted

MAGIC = "z9hG4bK"
DEFAULT_PORT = 5060
MAX_FORWARDS = 70

_VIA = re.compile(
    r"SIP\s*/\s*2\.0\s*/\s*(?P<transport>[A-Za-z0-9._!%*+`'~-]+)\s+"
    r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]+)\s*(?::\s*(?P<port>\d{1,5}))?\s*(?P<params>;.*)?",
    re.DOTALL | re.IGNORECASE,
)


@dataclass(slots=True)
class Via:
    """One value of Via: transport in upper case, host and port of sent-by as written, parameters."""

    transport: str
    host: str
    port: int | None
    params: Params

    def __str__(self) -> str:
        """Write the value."""
        port = "" if self.port is None else f":{self.port}"
        return f"SIP/2.0/{self.transport} {self.host}{port}{format_params(self.params)}"

    @property
    def branch(self) -> str:
        """The branch parameter, empty when there is none."""
        return self.params.get("branch") or ""


def parse_via(text: str) -> Via:
    """Read one value.

    Raises:
        SipSyntaxError: it is not of the form that RFC 3261 20.42 gives.
    """
    match = _VIA.fullmatch(text.strip())
    if match is None or int(match["port"] or 0) > 65535:
        raise SipSyntaxError(f"{text[:80]!r} is not a Via value")
    port = int(match["port"]) if match["port"] else None
    return Via(match["transport"].upper(), match["host"], port, parse_params(match["params"] or ""))


def top_via(message: Message) -> Via | None:
    """The topmost Via; ``None`` when there is none or it cannot be read."""
    text = message.get("Via")
    if text is None:
        return None
    try:
        return parse_via(split_quoted(text, ",")[0])
    except SipSyntaxError:
        return None


def replace_first(message: Message, name: str, value: str | None) -> None:
    """Replace the first single value of a list header, or take it off (``None``)."""
    key = Header.make(name, "").key
    for place, header in enumerate(message.headers):
        if header.key == key:
            rest = split_quoted(header.value, ",")[1:]
            values = [value, *rest] if value is not None else rest
            if values:
                message.headers[place] = Header.make(header.name, ", ".join(values))
            else:
                del message.headers[place]
            return


def note_source(message: Message, peer: tuple[str, int]) -> None:
    """Write where a request came from into its topmost Via (received, and rport when asked; RFC 3581 4)."""
    via = top_via(message)
    if via is None:
        return
    if "rport" in via.params:
        via.params["rport"] = str(peer[1])
    if "rport" in via.params or via.host.strip("[]") != peer[0]:
        via.params["received"] = peer[0]
    replace_first(message, "Via", str(via))


def via_place(message: Message) -> tuple[str, int] | None:
    """Where the topmost Via says that the answer goes, as its writer put it; ``None`` without one."""
    via = top_via(message)
    if via is None:
        return None
    host, port = via.params.get("received") or via.host.strip("[]"), via.params.get("rport") or ""
    return host, int(port) if port.isascii() and port.isdigit() else via.port or DEFAULT_PORT


def same_place(uri: Uri, address: tuple[str, int]) -> bool:
    """Whether a URI points to this address."""
    return (uri.host, uri.port or DEFAULT_PORT) == address


def top_route(message: Message) -> Uri | None:
    """The URI of the topmost Route; ``None`` when there is none.

    Raises:
        SipSyntaxError: there is one that cannot be read.
    """
    text = message.get("Route")
    return None if text is None else parse_uri(parse_name_addr(split_quoted(text, ",")[0]).uri)


def pop_own_routes(message: Message, address: tuple[str, int]) -> list[Uri]:
    """Take off the topmost Routes that point to this node and return their URIs (``SipSyntaxError``)."""
    taken = []
    while (uri := top_route(message)) is not None and same_place(uri, address):
        taken.append(uri)
        replace_first(message, "Route", None)
    return taken


def uris(message: Message, name: str) -> list[str]:
    """The URIs of a list header in order (``SipSyntaxError``)."""
    return [str(parse_uri(parse_name_addr(value).uri)) for value in message.values(name)]


def count_down(message: Message) -> None:
    """Take one from Max-Forwards (70 when there is none)."""
    text = message.get("Max-Forwards") or ""
    message.set("Max-Forwards", str(int(text) - 1) if text.isdigit() and int(text) > 0 else str(MAX_FORWARDS))


def tag_of(message: Message, name: str) -> str:
    """The tag of From or To; empty when there is none or the value cannot be read."""
    try:
        return parse_name_addr(message.get(name) or "").tag or ""
    except SipSyntaxError:
        return ""


def sequence(message: Message) -> int:
    """The number of CSeq; -1 when it cannot be read."""
    word = (message.get("CSeq") or "").partition(" ")[0]
    return int(word) if word.isascii() and word.isdigit() and len(word) < 20 else -1
