"""Data channels in SDP as the IMS AS handles them: what is anchored, hidden from the far side, or passed on.

TS 24.186 9.3.2 and TS 23.228 AC.7 (secondary): where the MF anchors the bootstrap channel, the UE gets the MF's
address, port, fingerprint, setup, tls-id and sctp-port, and the far side does not see the media line.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from imsproof.codec.sdp import (
    Fingerprint,
    MediaSection,
    Sdp,
    SdpLine,
    SdpSyntaxError,
    Section,
    data_channel_section,
    effective,
)
from imsproof.codec.sdpice import IceDescription, read_ice, write_ice
from imsproof.lab.dctypes import ANY_FINGERPRINT, DcEndpoint, DcOffer, IceEnd

if TYPE_CHECKING:
    from imsproof.lab.sip.policy import SipPolicy

FIRST_APPLICATION_STREAM = 1000
"""Below are the bootstrap channels 0, 10, 100, 110 (TS 24.186 9.3.2.2.1)."""
DEFAULT_SCTP_PORT = 5000
DEFAULT_MESSAGE_SIZE = 65536


@dataclass(frozen=True, slots=True)
class Hidden:
    """A media line of the caller that the called side does not get.

    Attributes:
        section: the caller's media section.
        local: the MF's endpoint that answers it; ``None`` when it is refused.
    """

    section: MediaSection
    local: DcEndpoint | None = None


def is_bootstrap(section: MediaSection) -> bool:
    """Whether a media section is a data channel with a bootstrap stream, or with none named at all."""
    streams = [dcmap.stream for dcmap in section.dcmaps]
    return section.is_data_channel and (not streams or any(stream < FIRST_APPLICATION_STREAM for stream in streams))


OCTETS = {"sha-512": 64, "sha-384": 48, "sha-256": 32, "sha-224": 28, "sha-1": 20, "md5": 16}
"""Hash functions of RFC 8122 from the strongest on, and the size of their values."""


def fingerprint_of(description: Sdp, section: MediaSection, policy: SipPolicy) -> str:
    """Return the fingerprint that counts: of the media section before the session's, the strongest one.

    Raises:
        SdpSyntaxError: there is none that can be used.
    """
    if policy.fingerprint_of_any_section:
        section = [one for one in description.media if one.is_data_channel][-1]
    places = (section.attrs("fingerprint"), description.session.attrs("fingerprint"))
    first, second = places if policy.fingerprint_level == "media" else reversed(places)
    values = first or second
    problems = {problem for value in values if (problem := _problem(value, policy))} or {"absent"}
    usable = [Fingerprint.parse(value) for value in values if not _problem(value, policy)]
    if not usable:
        if problems & set(policy.tolerates_fingerprints):
            return ANY_FINGERPRINT
        raise SdpSyntaxError(f"no fingerprint can be used: {', '.join(sorted(problems))}")
    order = list(OCTETS) if policy.fingerprint_choice == "strongest" else list(reversed(OCTETS))
    return str(min(usable, key=lambda one: order.index(one.hash.lower())))


def _problem(value: str, policy: SipPolicy) -> str:
    """Say what is wrong with an ``a=fingerprint`` value, or ``""``."""
    if not value.strip():
        return "empty"
    try:
        parsed = Fingerprint.parse(value)
    except SdpSyntaxError:
        return "malformed"
    if parsed.hash.lower() not in OCTETS or (policy.hash_names_in_capitals and not parsed.hash.isupper()):
        return "unknown-hash"
    return "" if parsed.value.count(":") + 1 == OCTETS[parsed.hash.lower()] else "truncated"


def requested_apps(section: MediaSection) -> tuple[str, ...]:
    """The applications that a data-channel line is for (``a=3gpp-req-app``, TS 26.114; what follows a name is left)."""
    return tuple(value.split(";")[0].strip() for value in section.attrs("3gpp-req-app"))


def read_offer(description: Sdp, section: MediaSection, policy: SipPolicy) -> DcOffer:
    """Read what a data-channel section offers.

    Raises:
        SdpSyntaxError: address, port, fingerprint, setup or a number is missing or wrong.
    """
    address, port = description.address(section), section.port
    setup = effective(description, "setup", section)
    if not address or port <= 0 or setup not in ("actpass", "active", "passive"):
        raise SdpSyntaxError("a data channel needs an address, a port, and a setup of actpass, active or passive")
    ice = read_ice(description, section)
    return DcOffer(
        address=address,
        port=port,
        fingerprint=fingerprint_of(description, section, policy),
        setup=setup,
        tls_id=effective(description, "tls-id", section) or "",
        sctp_port=_number(section.attr("sctp-port"), DEFAULT_SCTP_PORT, 65535),
        max_message_size=_number(section.attr("max-message-size"), DEFAULT_MESSAGE_SIZE, 1 << 32),
        streams=tuple(dcmap.stream for dcmap in section.dcmaps),
        apps=requested_apps(section),
        ice=IceEnd(ice.ufrag, ice.password, ice.lite) if ice else None,
    )


def _number(text: str | None, default: int, limit: int) -> int:
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 12 and int(text) <= limit):
        raise SdpSyntaxError(f"{text[:40]!r} is not a number up to {limit}")
    return int(text)


def answer_section(hidden: Hidden) -> MediaSection:
    """Write the answer to a hidden media line: the MF's endpoint, or port 0."""
    local = hidden.local
    if local is None:
        return refused(hidden.section)
    return data_channel_section(
        local.port,
        address=local.address,
        fingerprints=[Fingerprint.parse(local.fingerprint)],
        setup=local.setup,
        tls_id=local.tls_id or None,
        sctp_port=local.sctp_port,
        max_message_size=local.max_message_size,
        dcmaps=hidden.section.dcmaps,
    )


def refused(section: MediaSection) -> MediaSection:
    """Write the media line with port 0 and nothing after it."""
    words = section.lines[0].value.split()
    words[1:2] = ["0"]
    return MediaSection([SdpLine.make("m", " ".join(words))])


def without(description: Sdp, hidden: dict[int, Hidden]) -> Sdp:
    """Write the caller's description for the called side; when nothing else is left, hidden lines have port 0."""
    kept = [section for place, section in enumerate(description.media) if place not in hidden]
    if not kept:
        kept = [refused(section) for section in description.media]
    return Sdp(description.session, kept)


def with_hidden(description: Sdp, hidden: dict[int, Hidden]) -> Sdp:
    """Write the called side's description for the caller: hidden lines come back in their places."""
    media = list(description.media)
    if (
        hidden
        and len(media) == len(hidden)
        and all(section.port == 0 and section.kind == "application" for section in media)
    ):
        media = []
    for place in sorted(hidden):
        media.insert(place, answer_section(hidden[place]))
    answer = Sdp(Section(description.session.lines), media)
    for place, one in hidden.items():
        if one.local is not None and one.local.ice is not None:
            ice, where = one.local.ice, (one.local.address, one.local.port)
            write_ice(answer, media[place], IceDescription(ice.ufrag, ice.password, ice.lite, candidates=(where,)))
    return answer


def rewrite_fingerprints(description: Sdp, value: str) -> Sdp:
    """Put another fingerprint into every data-channel line (what a network must not do end to end)."""
    changed = description.copy()
    for section in changed.media:
        if section.is_data_channel and effective(changed, "fingerprint", section) is not None:
            section.set_attr("fingerprint", value)
    return changed


def fingerprints(description: Sdp) -> list[str]:
    """The first fingerprint of each media line, ``""`` where it has none of its own."""
    return [section.attr("fingerprint") or "" for section in description.media]


def put_fingerprints(description: Sdp, values: list[str]) -> None:
    """Put these in place of the media lines' own (what a network must not do)."""
    for section, value in zip(description.media, values, strict=False):
        if value:
            section.set_attr("fingerprint", value)


def first_fingerprint_only(description: Sdp) -> Sdp:
    """Leave only the first of several fingerprints in each data-channel line (what a network must not do)."""
    changed = description.copy()
    for section in changed.media:
        values = section.attrs("fingerprint")
        if section.is_data_channel and values:
            section.set_attr("fingerprint", values[0])
    return changed


def rewrite_tls_ids(description: Sdp) -> Sdp:
    """Put another tls-id into every data-channel line (what a network must not do end to end)."""
    changed = description.copy()
    for section in changed.media:
        if section.is_data_channel and section.attr("tls-id") is not None:
            section.set_attr("tls-id", "0" * 32)
    return changed
