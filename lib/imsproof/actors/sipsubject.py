"""What SIP actors hand back: answers and registrations, with the fields that a testcase likes to read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from imsproof.link.subject import Exchange

if TYPE_CHECKING:
    from imsproof.codec.sip import Message


@dataclass(slots=True, kw_only=True)
class SipAnswer(Exchange):
    """The final answer to a SIP request.

    Attributes:
        status: its status code, or 0 when none came.
        message: the answer itself, or ``None``.
        provisional: the 1xx answers before it.
    """

    status: int = 0
    message: Message | None = None
    provisional: list[Message] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether the status is 2xx."""
        return 200 <= self.status < 300

    @property
    def body(self) -> bytes:
        """The answer's body."""
        return self.message.body if self.message else b""

    @property
    def retry_after(self) -> float:
        """The seconds after which a busy network wants to be asked again (RFC 3261 20.33, unchecked), or 0."""
        told = (self.header("Retry-After") or "").partition(";")[0].partition("(")[0].strip()
        return float(told) if told.isascii() and told.isdigit() else 0.0

    def header(self, name: str) -> str | None:
        """Return the answer's first header of that name."""
        return self.message.get(name) if self.message else None

    def headers(self, name: str) -> list[str]:
        """Return the answer's headers of that name, each as it stands on its line."""
        return self.message.get_all(name) if self.message else []


@dataclass(frozen=True, slots=True)
class Challenge:
    """A challenge taken apart.

    Attributes:
        params: the header's parameters, names in lower case (``ck`` and ``ik`` must not be among them on Gm).
        rand, autn: of an AKA challenge, else empty.
        proxy: whether a proxy asked (407), so that the answer goes into Proxy-Authorization.
    """

    params: dict[str, str]
    rand: bytes = b""
    autn: bytes = b""
    proxy: bool = False

    @property
    def header(self) -> str:
        """The header field that answers it."""
        return "Proxy-Authorization" if self.proxy else "Authorization"

    @property
    def algorithm(self) -> str:
        """The algorithm; MD5 when none is named (RFC 7616 section 3.3)."""
        return self.params.get("algorithm", "MD5")

    @property
    def nonce(self) -> str:
        """The nonce as written."""
        return self.params.get("nonce", "")


@dataclass(slots=True, kw_only=True)
class Registration(SipAnswer):
    """What became of a registration.

    Attributes:
        challenge: the last challenge, or ``None`` when there was none.
        autn: ``valid``, ``wrong-mac``, ``unreadable`` or ``""`` (no AKA challenge).
        resynchronised: whether the UE had to send AUTS first.
        res, ck, ik: what AKA gave the UE.
        service_route: values of Service-Route, in order.
        associated: URIs of P-Associated-URI, in order; the first is the default identity.
        expires: seconds that were granted, or 0.
    """

    challenge: Challenge | None = None
    autn: str = ""
    resynchronised: bool = False
    res: bytes = b""
    ck: bytes = b""
    ik: bytes = b""
    service_route: tuple[str, ...] = ()
    associated: tuple[str, ...] = ()
    expires: int = 0
