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
        check_method: S-CSCF: the digest is only good for the method that it was made for.
        nonce_once: S-CSCF: a response that was taken once is not taken again.
        check_nonce_count: S-CSCF: a nonce that was answered takes no other response with the same nc.
        refuse_empty_response: S-CSCF: an empty response parameter answers nothing.
        refuse_zero_response: S-CSCF: a response of nothing but zeros is compared like any other.
        refuse_empty_password: S-CSCF: a response that was computed with an empty password is good for AUTS only.
        compare_whole_response: S-CSCF: a response is compared to its full length.
        challenge_registered: S-CSCF: who is registered already is challenged too (TS 33.203 7.4.0).
        bind_challenge: S-CSCF: a challenge is answered by the subscriber that it was made for.
        check_call_id: S-CSCF: the answer carries the Call-ID of the challenged REGISTER.
        check_cseq: S-CSCF: a REGISTER that is older than the one that bound a contact changes nothing (RFC 3261 10.3).
        discard_older_challenge: S-CSCF: a second attempt makes the first one's challenge void.
        rand_fresh: HSS: each vector has a RAND of its own.
        resynchronise_anew: S-CSCF: after AUTS a new vector is sent (TS 33.203 6.1.3).
        plain_digest_for_aka: S-CSCF: an AKA subscriber may answer with plain digest and its (empty) password.
        overwrite_integrity_claim: P-CSCF: integrity-protected is written by the P-CSCF whatever the UE wrote.
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
    check_method: bool = True
    nonce_once: bool = True
    check_nonce_count: bool = True
    refuse_empty_response: bool = True
    refuse_zero_response: bool = True
    refuse_empty_password: bool = True
    compare_whole_response: bool = True
    challenge_registered: bool = True
    bind_challenge: bool = True
    check_call_id: bool = True
    check_cseq: bool = True
    discard_older_challenge: bool = True
    rand_fresh: bool = True
    resynchronise_anew: bool = True
    plain_digest_for_aka: bool = False
    overwrite_integrity_claim: bool = True
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
