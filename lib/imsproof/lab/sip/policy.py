"""What the lab's SIP nodes do where they could do otherwise. The defaults are the conformant lab."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

MalformedReaction = Literal["refuse", "accept", "stop", "hang"]
"""What a P-CSCF does with a malformed request: refuse it; serve it all the same; die; freeze."""


@dataclass(frozen=True, slots=True)
class SipPolicy:
    """Each field is read at the one decision that it changes, when that decision is made.

    Attributes:
        challenge_register: S-CSCF: an unprotected REGISTER is always challenged (TS 33.203 7.4.0).
        autn_valid: S-CSCF: the MAC in AUTN is computed with the subscriber's key.
        check_response: S-CSCF: the digest response must be the expected one.
        check_uri: S-CSCF: the digest is only good for the Request-URI that it was made for.
        check_algorithm: S-CSCF: the digest algorithm must be the challenged one.
        nonce_once: S-CSCF: a nonce is good for one response.
        check_identities: S-CSCF: IMPI and IMPU must belong together.
        check_auts: S-CSCF: AUTS moves SQN only with a good MAC-S.
        keep_registration_on_failure: S-CSCF: failed authentication leaves a registration alone (TS 33.203 6.1.1).
        failure_status: S-CSCF: the status for a failed authentication.
        hss_seconds: S-CSCF: how long one look-up of subscriber data takes before anybody is authenticated.
        strip_keys: P-CSCF: ``ck`` and ``ik`` are taken out of the challenge before it goes to the UE.
        check_security_verify: P-CSCF: Security-Verify must repeat Security-Server (RFC 3329).
        require_registration: P-CSCF: only registered UEs may send anything but REGISTER.
        check_route: P-CSCF: Route must be the Service-Route.
        strip_asserted_identity: P-CSCF: a UE's P-Asserted-Identity and other trusted headers go.
        check_preferred_identity: P-CSCF: P-Preferred-Identity counts only when it is registered by this UE.
        check_dialog_party: P-CSCF: a request inside a dialog must come from one of its parties.
        on_malformed: P-CSCF: what happens to a malformed request.
        register_rate: P-CSCF: REGISTERs a second from one source that are looked at; 0 is no limit.
        check_data_channel_service: IMS AS: the user must be subscribed to data channels (TS 24.186 9.3.2.2.1).
        keep_fingerprint: IMS AS: end-to-end fingerprints are passed on as they came.
        trust_peers_only: S-CSCF and IMS AS: requests are taken from the nodes of the network only.
    """

    challenge_register: bool = True
    autn_valid: bool = True
    check_response: bool = True
    check_uri: bool = True
    check_algorithm: bool = True
    nonce_once: bool = True
    check_identities: bool = True
    check_auts: bool = True
    keep_registration_on_failure: bool = True
    failure_status: int = 403
    hss_seconds: float = 0.0
    strip_keys: bool = True
    check_security_verify: bool = True
    require_registration: bool = True
    check_route: bool = True
    strip_asserted_identity: bool = True
    check_preferred_identity: bool = True
    check_dialog_party: bool = True
    on_malformed: MalformedReaction = "refuse"
    register_rate: int = 50
    check_data_channel_service: bool = True
    keep_fingerprint: bool = True
    trust_peers_only: bool = True
