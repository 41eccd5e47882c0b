"""The far side's answer to an offer of data channels, as signalling shows it."""

from __future__ import annotations

from imsproof.codec.sdp import Fingerprint, MediaSection, Sdp, audio_offer, data_channel_section, description
from imsproof.engine.identity import Identity, make_identity

DISCARD = 9


def accept_data_channel(offer: Sdp, address: str, *, identity: Identity | None = None) -> Sdp | None:
    """Answer an offer of data channels as the far side does, with a fingerprint of its own (``None`` without one).

    The port is 9 (discard): this answer is for what the signalling shows, nobody listens there.
    """
    section = offer.data_channel()
    if section is None:
        return None
    own = identity or make_identity()
    answer = data_channel_section(
        DISCARD,
        fingerprints=(Fingerprint("SHA-256", own.sha256),),
        setup="active" if section.attr("setup") == "passive" else "passive",
        tls_id=own.sha256.replace(":", "")[-32:],
        dcmaps=section.dcmaps,
        address=address,
    )
    media = [answer if one is section else refused(one) for one in offer.media]
    return description(address, media)


def take_call(offer: Sdp, address: str) -> Sdp:
    """Answer any offer: one of data channels as :func:`accept_data_channel` does, else with audio at port 9."""
    return accept_data_channel(offer, address) or audio_offer(address, DISCARD)


def refused(section: MediaSection) -> MediaSection:
    """The same media line, refused by port 0."""
    copy = MediaSection(section.lines[:1])
    copy.port = 0
    return copy
