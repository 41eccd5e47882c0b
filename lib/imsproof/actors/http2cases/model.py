"""A case of HTTP/2: what is sent, what would show that it was served, and which errors fit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

    from imsproof.actors.http2script import Script, Steps

Effect = Literal["response", "ping", "settings", "overrun", "tunnel", ""]
"""What would show that an offence was served: a request answered as accepted; a PING answered; SETTINGS acknowledged;
more DATA than the window allows; a 2xx to CONNECT; nothing that could be seen (then only the form is judged)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One condition of the RFC.

    Attributes:
        name: in the words of the field; the conversation is called so.
        clause: section of RFC 9113, or ``RFC 7541`` with its section.
        send: makes what is sent after the SETTINGS exchange.
        effect: what would show that the lab served it.
        connection: connection error codes that fit.
        stream: stream error codes that fit (as a connection error they fit too: RFC 9113 section 5.4.2).
        free: the RFC leaves it to the lab whether to take offence.
        legit: streams whose answers are no offence.
        watch: streams whose ends are awaited.
        settings: parameters of the tester's SETTINGS.
        greet: the preface is sent first.
        fence: a PING follows.
        limit: for ``overrun``: octets of DATA that stream 1 may bring; for ``settings``: rightful acknowledgements.
        field: the offence is in this field; a lab that would serve the request without it may have dropped it.
        late: the offence comes after a header block that is right: a lab that answers before the request has ended
            may have answered before the offence.
    """

    name: str
    clause: str
    send: Callable[[Script], Steps]
    effect: Effect = ""
    connection: tuple[str, ...] = ()
    stream: tuple[str, ...] = ()
    free: bool = False
    legit: tuple[int, ...] = ()
    watch: tuple[int, ...] = (1,)
    settings: tuple[tuple[int, int], ...] = ()
    greet: bool = True
    fence: bool = True
    limit: int = 1
    field: bytes = b""
    late: bool = False


PROTOCOL = ("PROTOCOL_ERROR",)
FRAME_SIZE = ("FRAME_SIZE_ERROR", "PROTOCOL_ERROR")
"""PROTOCOL_ERROR fits where a more specific code does (RFC 9113 section 7: it is the unspecific one)."""
COMPRESSION = ("COMPRESSION_ERROR", "PROTOCOL_ERROR")
CLOSED = ("STREAM_CLOSED", "PROTOCOL_ERROR")
FLOW = ("FLOW_CONTROL_ERROR", "PROTOCOL_ERROR")
REFUSED = ("REFUSED_STREAM", "PROTOCOL_ERROR", "ENHANCE_YOUR_CALM")
