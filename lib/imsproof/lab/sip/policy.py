"""What the lab's SIP nodes do where they could do otherwise. The defaults are the conformant lab."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

MalformedReaction = Literal["refuse", "accept", "stop", "hang"]
"""What a P-CSCF does with a malformed request: refuse it; serve it all the same; die; freeze."""


Barring = Literal["number", "spelling", "nothing"]
"""How an S-CSCF knows a barred destination."""
Hiding = Literal["hidden", "encoded", "plain"]
"""What a border node does with inner addresses: hide them; write them as base64; leave them."""


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
        stale_when_right: S-CSCF: stale is said of a used nonce that was answered rightly, and of no good one.
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
        require_security_verify: P-CSCF: there must be a Security-Verify at all.
        check_security_client: P-CSCF: Security-Client must be the same in both REGISTERs (TS 33.203 7.2).
        verify_algorithms, verify_addresses: P-CSCF: Security-Verify's algorithms, its SPIs and ports are compared too.
        client_priority: P-CSCF: the UE's first algorithms are chosen, not the first of its own list.
        require_confidentiality: P-CSCF: no association without encryption (TS 33.203 7.2, NOTE 4).
        forbidden_algorithms: P-CSCF: what Annex H no longer has is taken too.
        unknown_mechanism_accepted: P-CSCF: an agreement on a mechanism that it does not know is possible.
        spis_differ: P-CSCF: its SPIs differ from the UE's (TS 33.203 7.1).
        require_protected_answer: P-CSCF: the answer to the challenge comes through the agreed association.
        keep_others_associations: P-CSCF: a UE that names another's address and ports does not end its associations.
        drop_unprotected: P-CSCF: what comes to the protected ports without ESP is dropped.
        drop_unprotected_streams: P-CSCF: the same for TCP.
        require_protection: P-CSCF: who registered through an association speaks through it alone.
        protect_answers: P-CSCF: what goes to a UE with an association goes through it.
        check_icv: P-CSCF: a packet with a wrong ICV is dropped.
        check_replay: P-CSCF: a sequence number is taken once.
        check_spi: P-CSCF: a packet with an unknown SPI is dropped.
        check_selectors: P-CSCF: the ports inside a packet are those of the association.
        null_only_when_agreed: P-CSCF: a packet without encryption is dropped where encryption was agreed.
        bind_identity: P-CSCF: an association speaks for the user that it was made for alone.
        nat_after_check: P-CSCF: where a UE behind a NAT is sent to follows from packets with a good ICV alone.
        end_associations: P-CSCF: associations end with the registration.
        choose_by_verify: P-CSCF: the algorithms of Security-Verify's first entry are taken too, whatever was agreed.
        require_security_client: P-CSCF: who requires an agreement must list something to agree on.
        require_agreement: P-CSCF: whose subscription asks for an agreement is not served without one (421).
        mediasec_beside: P-CSCF: entries for media security are no choice of a mechanism for SIP (TS 33.328).
        leave_agreement: P-CSCF: the lists of an agreement go no further.
        old_associations_end: P-CSCF: a new set of associations ends the one before.
        drop_reflected: P-CSCF: a packet of its own that comes back is dropped.
        take_fragments: P-CSCF: a packet that came in fragments is taken.
        heed_icmp: P-CSCF: an ICMP error that quotes a packet of an association ends that association.
        tls_versions, tls_ciphers: P-CSCF: what TLS on Gm takes; the cipher list is OpenSSL's, for TLS 1.2 and older.
        tls_certificate: P-CSCF: name of the PEM files that it shows on Gm.
        tls_client_renegotiates: P-CSCF: a second TLS handshake that the client asks for is done.
        tls_close_on_failure: P-CSCF: the TLS connection ends when its user fails authentication (TS 33.203 O.3.1.1).
        tls_bind_session: P-CSCF: who registered over TLS speaks through that connection alone.
        tls_bind_identity: P-CSCF: a REGISTER over the TLS connection of a registered user is no better than any.
        require_registration: P-CSCF: only registered UEs may send anything but REGISTER.
        check_route: P-CSCF: Route must be the Service-Route.
        relay_for_strangers: P-CSCF: a request of who is not registered goes to the place outside that it names.
        strip_asserted_identity: P-CSCF: a UE's P-Asserted-Identity and other trusted headers go.
        drop_ue_path: P-CSCF: Path of a UE's own making goes.
        to_ues_only: P-CSCF: what is for a UE goes to where that UE registered from, whatever addresses stand in it.
        answer_source: P-CSCF: an answer goes where its request came from, whatever Via says (RFC 3261 18.2).
        check_preferred_identity: P-CSCF: P-Preferred-Identity counts only when it is registered by this UE.
        check_dialog_party: P-CSCF: a request inside a dialog must come from one of its parties.
        on_malformed: P-CSCF: what happens to a malformed request.
        register_rate: P-CSCF: REGISTERs a second from one source that are looked at; 0 is no limit.
        check_data_channel_service: IMS AS: the user must be subscribed to data channels (TS 24.186 9.3.2.2.1).
        keep_fingerprint: IMS AS: end-to-end fingerprints are passed on as they came.
        tolerates_fingerprints: IMS AS: kinds of wrong fingerprints (dcsdp.py) that stand for any certificate.
        fingerprint_level: IMS AS: where a fingerprint is read first, ``media`` or ``session``.
        fingerprint_choice: IMS AS: which of several fingerprints counts, the ``strongest`` or the ``weakest``.
        hash_names_in_capitals: IMS AS: hash names are only known in capitals.
        end_calls_of_deregistered: S-CSCF: data channels of a user end with its registration (TS 24.229 5.4.1.4).
        end_calls_of_removed: S-CSCF: data channels of a user end when the network ends its registration.
        stream_roles_kept: DCSF: on the bootstrap streams 100 and 110 the remote side's applications are served.
        app_binding_required: IMS AS: an application channel names its application in a=3gpp-req-app.
        check_requested_app: DCSF: the application that a channel names is one that its user may use.
        fingerprint_of_any_section: IMS AS: of several data-channel lines the last one's fingerprint counts for all.
        keep_tls_id: IMS AS: end-to-end tls-id, setup and sctp-port are passed on as they came.
        keep_all_fingerprints: IMS AS: of several end-to-end fingerprints all are passed on.
        keep_fingerprint_in_reinvite: IMS AS: end-to-end fingerprints of later offers are passed on as they came.
        later_offers_looked_at: IMS AS: data channels of later offers are dealt with as those of the first.
        update_fingerprint_taken: IMS AS: the MF is told of a fingerprint that an UPDATE brings.
        check_service_in_reinvite: IMS AS: who adds a data channel in a later offer must be subscribed to them, too.
        trust_peers_only: S-CSCF and IMS AS: requests are taken from the nodes of the network only.
        assert_registered: P-CSCF: the asserted identity is one that the UE registered, whatever From says.
        search_ends_at_names: P-CSCF: a contact that was offered without authentication, and whose host is no address,
            hides all UEs of the address that it came from.
        core_by_source: P-CSCF: what comes from the core is known by its source; else a Route to this node is enough.
        emergency_needs_registration: P-CSCF: a mark of emergency does not open the way to ordinary users.
        unchecked_in_dialog: P-CSCF: methods that anybody may send inside a dialog.
        check_tags: P-CSCF: a BYE that names the Call-ID alone ends nothing.
        check_replaces: P-CSCF: Replaces and Join of a stranger touch no call.
        check_cancel_source: each node: CANCEL comes from whoever sent the INVITE.
        check_response_source: each node: a response comes from whoever got the request.
        check_max_forwards: P-CSCF: a request whose hops are used up goes no further.
        loops_by_uri: S-CSCF: where contacts are looked up, a loop is when the same contact comes again.
        contacts_end_here: S-CSCF: a contact is where a UE is, not somebody else of this network to look up.
        breadth: S-CSCF: a request goes to one contact at a time; else to all of them (RFC 5393).
        least_session_seconds: P-CSCF: sessions whose refresh interval is shorter are refused (RFC 4028).
        answer_padding: P-CSCF: bytes that its answer to anybody's OPTIONS is padded with.
        register_own_only: S-CSCF: a REGISTER changes the bindings of nobody but its authenticated user.
        barring: S-CSCF: barred destinations are known by their number, by their usual spelling, or not at all.
        reg_event_own_only: S-CSCF: registration states are shown to their owner only.
        opaque_reginfo: S-CSCF: ids in the document of registration states say nothing of the subscriber.
        strip_network_headers: P-CSCF: headers of the network's own do not reach a UE.
        honour_privacy: P-CSCF: with Privacy: id the asserted identity does not reach a UE.
        banner: each node: Server's value in answers of its own; none when empty.
        quiet_errors: each node: an error answer tells nothing of the node's inside.
        guess_limit: S-CSCF: failed authentications in a row before more are refused unseen; 0 is no limit.
        guess_lock_source: S-CSCF: that limit holds for one source; else the subscriber is locked out everywhere.
        challenge_unknown: S-CSCF: who is not subscribed is challenged like anybody.
        known_seconds: S-CSCF: how much longer the challenge of a real subscriber takes.
        refuse_anonymous: IMS AS: anonymous calls to a user who refuses them are refused (TS 24.229 5.7.1.5).
        anonymous_from: IMS AS: From of its own anonymous requests is anonymous (TS 24.229 5.7.3).
        hiding: IBCF and I-CSCF: inner addresses are hidden, only written in another way, or not hidden.
        hide_headers: IBCF and I-CSCF: which headers are hidden.
        restore_hidden: IBCF and I-CSCF: what was hidden is put back on its way in.
        refuse_broken_tokens: IBCF and I-CSCF: a hidden entry that was tampered with is refused.
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
    stale_when_right: bool = True
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
    require_security_verify: bool = True
    check_security_client: bool = True
    verify_algorithms: bool = True
    verify_addresses: bool = True
    client_priority: bool = False
    require_confidentiality: bool = True
    forbidden_algorithms: bool = False
    unknown_mechanism_accepted: bool = False
    spis_differ: bool = True
    require_protected_answer: bool = True
    keep_others_associations: bool = True
    drop_unprotected: bool = True
    drop_unprotected_streams: bool = True
    require_protection: bool = True
    protect_answers: bool = True
    check_icv: bool = True
    check_replay: bool = True
    check_spi: bool = True
    check_selectors: bool = True
    null_only_when_agreed: bool = True
    bind_identity: bool = True
    nat_after_check: bool = True
    end_associations: bool = True
    choose_by_verify: bool = False
    require_security_client: bool = True
    require_agreement: bool = True
    mediasec_beside: bool = True
    leave_agreement: bool = True
    old_associations_end: bool = True
    drop_reflected: bool = True
    take_fragments: bool = True
    heed_icmp: bool = False
    tls_versions: tuple[str, ...] = ("TLSv1.2", "TLSv1.3")
    tls_ciphers: str = "ECDHE+AESGCM:ECDHE+CHACHA20"
    tls_certificate: str = "pcscf"
    tls_client_renegotiates: bool = False
    tls_close_on_failure: bool = True
    tls_bind_session: bool = True
    tls_bind_identity: bool = True
    require_registration: bool = True
    check_route: bool = True
    relay_for_strangers: bool = False
    strip_asserted_identity: bool = True
    drop_ue_path: bool = True
    to_ues_only: bool = True
    answer_source: bool = True
    check_preferred_identity: bool = True
    check_dialog_party: bool = True
    on_malformed: MalformedReaction = "refuse"
    register_rate: int = 50
    check_data_channel_service: bool = True
    keep_fingerprint: bool = True
    tolerates_fingerprints: tuple[str, ...] = ()
    fingerprint_level: str = "media"
    fingerprint_choice: str = "strongest"
    hash_names_in_capitals: bool = False
    end_calls_of_deregistered: bool = True
    end_calls_of_removed: bool = True
    stream_roles_kept: bool = True
    app_binding_required: bool = True
    check_requested_app: bool = True
    fingerprint_of_any_section: bool = False
    keep_tls_id: bool = True
    keep_all_fingerprints: bool = True
    keep_fingerprint_in_reinvite: bool = True
    later_offers_looked_at: bool = True
    update_fingerprint_taken: bool = True
    check_service_in_reinvite: bool = True
    trust_peers_only: bool = True
    assert_registered: bool = True
    search_ends_at_names: bool = False
    core_by_source: bool = True
    emergency_needs_registration: bool = True
    unchecked_in_dialog: tuple[str, ...] = ()
    check_tags: bool = True
    check_replaces: bool = True
    check_cancel_source: bool = True
    check_response_source: bool = True
    check_max_forwards: bool = True
    loops_by_uri: bool = False
    contacts_end_here: bool = True
    breadth: bool = True
    least_session_seconds: int = 90
    answer_padding: int = 0
    register_own_only: bool = True
    barring: Barring = "number"
    reg_event_own_only: bool = True
    opaque_reginfo: bool = True
    strip_network_headers: bool = True
    honour_privacy: bool = True
    banner: str = ""
    quiet_errors: bool = True
    guess_limit: int = 12
    guess_lock_source: bool = True
    challenge_unknown: bool = True
    known_seconds: float = 0.0
    refuse_anonymous: bool = True
    anonymous_from: bool = True
    hiding: Hiding = "hidden"
    hide_headers: tuple[str, ...] = ("Via", "Route", "Record-Route", "Service-Route", "Path")
    restore_hidden: bool = True
    refuse_broken_tokens: bool = True
