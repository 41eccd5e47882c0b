"""How an offer reaches the lab and its answer comes back: by a call on Gm, or by the profile's hook."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING, Protocol

from imsproof.codec.sdp import Fingerprint, Sdp, SdpSyntaxError, effective
from imsproof.codec.sdpice import IceDescription, read_ice
from imsproof.link.subject import Exchange
from imsproof.seams import InconclusiveError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from imsproof.seams import Address

DEFAULT_SCTP_PORT = 5000


@dataclass(frozen=True, slots=True)
class Described:
    """What one side says of its end of a data channel or of DTLS-SRTP.

    Attributes:
        address, port: where its datagrams are taken; port 0 is a refusal.
        fingerprints: as announced, possibly none.
        setup: ``active``, ``passive``, ``actpass`` or ``holdconn``; ``passive`` when nothing was said (RFC 5763).
        tls_id: or ``""``.
        sctp_port: of the association inside DTLS.
        max_message_size: in bytes, 0 for any (RFC 8841; 65536 when nothing was said).
        streams: stream ids of ``a=dcmap``.
    """

    address: str
    port: int
    fingerprints: tuple[Fingerprint, ...] = ()
    setup: str = "passive"
    tls_id: str = ""
    sctp_port: int = DEFAULT_SCTP_PORT
    max_message_size: int = 65536
    streams: tuple[int, ...] = ()

    @property
    def where(self) -> Address:
        """Address and port (``InconclusiveError`` where a host name stands for the address: none is looked up)."""
        try:
            ip_address(self.address)
        except ValueError:
            raise InconclusiveError(
                f"the answer says {self.address or 'nothing'} where its media are, which is no IP address: the tester"
                " looks no names up, so have the lab write the address into the c= line"
            ) from None
        return (self.address, self.port)


@dataclass(slots=True, kw_only=True)
class Answered(Exchange):
    """The signalling of one offer: its conversation, and the answer when there was one."""

    status: int = 0
    sdp: Sdp | None = None
    fields: Mapping[str, str] | None = None

    def described(self, kind: str = "application") -> Described | None:
        """What the answer says of the first media of this kind (``None`` without an answer, or refused by port 0)."""
        if self.fields:
            return _from_fields(self.fields)
        return describe(self.sdp, kind) if self.sdp is not None else None

    def ice(self) -> IceDescription | None:
        """What the answer says of ICE for its data channel (``None`` when it says nothing)."""
        if self.fields:
            credentials = self.fields.get("ice_ufrag", ""), self.fields.get("ice_pwd", "")
            where = (self.fields["address"], int(self.fields["port"]))
            return IceDescription(*credentials, candidates=(where,)) if all(credentials) else None
        section = self.sdp.data_channel() if self.sdp is not None else None
        return read_ice(self.sdp, section) if self.sdp is not None and section is not None and section.port else None


class Signalling(Protocol):
    """A way to hand an offer over."""

    @property
    def local_address(self) -> str:
        """The tester's IP address that the lab can reach."""

    def offer(self, offer: Sdp, label: str, *, method: str = "INVITE") -> Answered:
        """Hand an offer over and wait for the answer; ``method`` carries a later one where there is SIP."""

    def end(self) -> None:
        """End what the last offer began."""

    @property
    def not_told(self) -> str:
        """Why the lab did not learn of the end, in a sentence; ``""`` when it did."""


def ended(signalling: Signalling) -> None:
    """End what the last offer began, and see that the lab was told (``InconclusiveError`` when it was not)."""
    signalling.end()
    if signalling.not_told:
        raise InconclusiveError(signalling.not_told)


def describe(sdp: Sdp, kind: str) -> Described | None:
    """Read the first accepted media section of a kind; ``None`` when there is none or its port is 0."""
    section = next((one for one in sdp.media if one.kind == kind and _port(one.port)), None)
    if section is None:
        return None
    values = section.attrs("fingerprint") or sdp.session.attrs("fingerprint")
    return Described(
        address=sdp.address(section) or "",
        port=section.port,
        fingerprints=tuple(_fingerprints(values)),
        setup=(effective(sdp, "setup", section) or "passive").strip(),
        tls_id=(effective(sdp, "tls-id", section) or "").strip(),
        sctp_port=_number(section.attr("sctp-port"), DEFAULT_SCTP_PORT),
        max_message_size=_number(section.attr("max-message-size"), 65536),
        streams=tuple(dcmap.stream for dcmap in section.dcmaps) if kind == "application" else (),
    )


def _port(value: int) -> bool:
    return value > 0


def _fingerprints(values: list[str]) -> list[Fingerprint]:
    found = []
    for value in values:
        try:
            found.append(Fingerprint.parse(value))
        except SdpSyntaxError:
            continue
    return found


def _from_fields(fields: Mapping[str, str]) -> Described:
    fingerprints = _fingerprints([fields["fingerprint"]]) if fields.get("fingerprint") else []
    if fields.get("fingerprint") and not fingerprints:
        fingerprints = _fingerprints([f"sha-256 {fields['fingerprint']}"])
    return Described(
        address=fields["address"],
        port=int(fields["port"]),
        fingerprints=tuple(fingerprints),
        setup=fields.get("setup", "passive"),
        tls_id=fields.get("tls_id", ""),
        sctp_port=_number(fields.get("sctp_port"), DEFAULT_SCTP_PORT),
    )


def _number(text: str | None, otherwise: int) -> int:
    text = (text or "").strip()
    return int(text) if text.isascii() and text.isdigit() else otherwise
