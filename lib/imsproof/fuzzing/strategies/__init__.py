"""Hypothesis strategies for what a lab reads, from valid through nearly valid to wild.

    from imsproof.fuzzing.strategies import LEVELS, valid_sip

    @given(LEVELS["sdp"].nearly)          # bytes
    @given(LEVELS["sip"].all())           # ("valid", bytes), ("nearly", bytes) or ("wild", bytes)
    @given(edited(agreeing_sip()))        # composed

Each strategy makes bytes. ``valid_*`` makes only what its specification's grammar allows, so that a refusal of it means
something; ``nearly_*`` breaks one or a few places of a valid one; ``wild`` keeps to no grammar at all.
"""

from __future__ import annotations

from hypothesis import strategies as st

from imsproof.fuzzing.strategies.bodies import (
    json_bodies,
    nearly_valid_json,
    nearly_valid_sdp,
    nearly_valid_tokens,
    tokens,
    valid_sdp,
)
from imsproof.fuzzing.strategies.common import Levels, edited, wild
from imsproof.fuzzing.strategies.media import (
    dcep_messages,
    dtls_hellos,
    dtls_records,
    msrp_messages,
    nearly_chunks,
    nearly_dcep,
    nearly_dtls,
    nearly_msrp,
    nearly_rtp,
    nearly_stun,
    rtp_packets,
    sctp_chunks,
    stun_messages,
)
from imsproof.fuzzing.strategies.sip import (
    agreeing_sip,
    nearly_security_client,
    nearly_valid_sip,
    security_client,
    uris,
    valid_sip,
)

__all__ = [
    "LEVELS",
    "Levels",
    "agreeing_sip",
    "dcep_messages",
    "dtls_hellos",
    "dtls_records",
    "edited",
    "json_bodies",
    "msrp_messages",
    "nearly_valid_json",
    "nearly_valid_sdp",
    "nearly_valid_sip",
    "rtp_packets",
    "sctp_chunks",
    "security_client",
    "stun_messages",
    "tokens",
    "uris",
    "valid_sdp",
    "valid_sip",
    "wild",
]

LEVELS = {
    "sip": Levels(valid_sip(), st.one_of(nearly_valid_sip(), edited(valid_sip()))),
    "sdp": Levels(valid_sdp(), nearly_valid_sdp),
    "sec-agree": Levels(security_client(), nearly_security_client),
    "token": Levels(tokens(), nearly_valid_tokens),
    "json": Levels(json_bodies, nearly_valid_json),
    "dcep": Levels(dcep_messages, nearly_dcep),
    "sctp": Levels(sctp_chunks(), nearly_chunks),
    "dtls": Levels(dtls_hellos(), nearly_dtls),
    "rtp": Levels(rtp_packets(), nearly_rtp),
    "msrp": Levels(msrp_messages(), nearly_msrp),
    "stun": Levels(stun_messages(), nearly_stun),
}
"""The protocols by name, each in its three levels."""
