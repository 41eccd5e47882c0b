"""What the lab's media nodes insist on; every default is the conformant lab, every other value a planted fault."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MediaPolicy:
    """Policy of MF, DC AS and IMS-AGW.

    Attributes:
        dtls_lowest: lowest DTLS version that is taken, by OpenSSL's name.
        dtls_ciphers: OpenSSL cipher list of every DTLS association.
        dtls_security_level: OpenSSL's security level; DTLS 1.0 and NULL suites need 0.
        actpass_answer: the setup role that the MF takes when the offer says ``actpass``.
        check_fingerprint: the MF holds the peer's certificate against the fingerprint of the SDP.
        fingerprint_hashes: hash functions that a fingerprint may use.
        peer_certificate_required: the MF asks for a certificate and refuses a peer without one.
        source_checked: the MF drops datagrams that do not come from the address of the SDP.
        clear_sctp_refused: the MF drops SCTP that is not inside DTLS.
        cookie_seconds: how long the MF takes an SCTP state cookie back.
        apps_over_tcp: the MF serves the bootstrap channel's pages over plain TCP too, at the port of the context.
        apps_checked: the DC AS serves a subscriber only the applications that it may use.
        certificate: kind of the MF's certificate: ``ec``, ``rsa``, ``rsa-1024``.
        renegotiation: the MF allows further handshakes in an association.
        resumption: the MF gives tickets, and takes up their sessions in other calls.
        hello_cookies: whether the MF answers hellos with a cookie (``none``, ``checked``), and takes another (``any``).
        restarts: the MF gives an association that stands up for a new handshake from the peer's address.
        strangers_endured: datagrams from elsewhere after which the MF gives an association up; 0 is any number.
        one_context_for_a_fingerprint: of contexts with the same fingerprint the MF keeps only the last.
        applications_mixed: what comes on one application channel goes to all of the MF's.
        verify_every_handshake: the MF holds the certificate of every handshake against the fingerprint, not of the
            first one only.
        check_fingerprint_as_client: the MF holds the certificate of a DTLS server against the fingerprint too.
        fingerprint_of_any_call: a certificate is good at the MF that any call announced.
        zero_fingerprint_is_any: a fingerprint of zeroes stands for every certificate.
        announces_other_certificate: the MF's answer holds the fingerprint of another certificate than its own.
        answer_hash: hash function of the fingerprint in the MF's answer.
        mirror_setup: the MF answers with the setup role of the offer.
        tls_id: what the MF's tls-id is: ``random``, ``short`` or ``constant``.
        keep_first_fingerprint: the MF goes on with the first offer's fingerprint when a later one brings another.
        subscriber_checked: the DC AS serves the MF only the subscriber that it asks for.
        paths_checked: the MF forwards only plain paths below the root.
        absolute_targets: the MF forwards a target in absolute form to the path that it names.
        identity_by_header: the MF passes on who the UE says it is, and the DC AS believes it.
        methods_checked: only GET and HEAD are served.
        first_length_counts: of several Content-Length headers the first one counts.
        packages_altered: the MF changes what it forwards.
        mdc_protected: the MF fetches applications from the DC AS over TLS.
        ranges_multiply: the MF answers each of several ranges with the whole.
        answers_to_all: the MF sends answers on the bootstrap channel to every association.
        outlives_call: associations at the MF stand when their call has ended.
        server_header: value of the Server header in answers; none when empty.
        number_given_twice: one record of an association goes out under the number of the one before.
        dies_of: kinds of hostile input (recordguard.py, sctpguard.py, http1.py) that end an association at the MF.
        node_dies_of: kinds of hostile input that end the whole MF until the lab is reset.
        obeys: kinds of hostile input that the MF takes for good.
        ignores: kinds of difficult but right input that the MF drops.
        ice_careless: what the MF does not ask of an ICE check: ``integrity``, ``presence``, ``username``; or
            ``nomination``: it obeys one that it refuses.
        ice_consent: where ICE is agreed, the MF answers DTLS only from the address of a good check.
        ice_consent_expires: the MF sends nothing more to a lite UE that answers no consent check.
        ice_restarts: the MF has new ICE credentials when a later offer brings new ones.
        outlives_ice_restart: an association stands when ICE begins anew.
        ice_credentials: the MF's ICE credentials: ``random``, ``constant`` or ``short``.
        srtp_key_per_call: the IMS-AGW draws a fresh SDES key for every call.
        srtp_key_per_direction: the IMS-AGW's SDES key differs from the peer's.
        srtp_check_fingerprint: the IMS-AGW holds the peer's certificate against the fingerprint of the SDP.
        srtp_required: the IMS-AGW drops plain RTP where protection was agreed.
        srtp_source_checked: the IMS-AGW drops packets that do not come from the address of the SDP.
        srtp_suites: SRTP suites that the IMS-AGW serves, best first.
        srtp_careless: what the IMS-AGW does not mind or does wrongly; names as in ``lab/faults/srtp.yaml``.
    """

    dtls_lowest: str = "DTLSv1.2"
    dtls_ciphers: str = "ECDHE+AESGCM:ECDHE+CHACHA20"
    dtls_security_level: int = 2
    actpass_answer: str = "passive"
    check_fingerprint: bool = True
    fingerprint_hashes: tuple[str, ...] = ("sha-256", "sha-384", "sha-512")
    peer_certificate_required: bool = True
    source_checked: bool = True
    clear_sctp_refused: bool = True
    cookie_seconds: float = 3.0
    apps_over_tcp: bool = False
    apps_checked: bool = True
    certificate: str = "ec"
    renegotiation: bool = False
    resumption: bool = False
    hello_cookies: str = "none"
    restarts: bool = False
    strangers_endured: int = 0
    one_context_for_a_fingerprint: bool = False
    applications_mixed: bool = False
    verify_every_handshake: bool = True
    check_fingerprint_as_client: bool = True
    fingerprint_of_any_call: bool = False
    zero_fingerprint_is_any: bool = False
    announces_other_certificate: bool = False
    answer_hash: str = "SHA-256"
    mirror_setup: bool = False
    tls_id: str = "random"
    keep_first_fingerprint: bool = False
    subscriber_checked: bool = True
    paths_checked: bool = True
    absolute_targets: bool = False
    identity_by_header: bool = False
    methods_checked: bool = True
    first_length_counts: bool = False
    packages_altered: bool = False
    mdc_protected: bool = True
    ranges_multiply: bool = False
    answers_to_all: bool = False
    outlives_call: bool = False
    server_header: str = ""
    number_given_twice: bool = False
    dies_of: tuple[str, ...] = ()
    node_dies_of: tuple[str, ...] = ()
    obeys: tuple[str, ...] = ()
    ignores: tuple[str, ...] = ()
    ice_careless: tuple[str, ...] = ()
    ice_consent: bool = True
    ice_consent_expires: bool = True
    ice_restarts: bool = True
    outlives_ice_restart: bool = True
    ice_credentials: str = "random"
    srtp_key_per_call: bool = True
    srtp_key_per_direction: bool = True
    srtp_check_fingerprint: bool = True
    srtp_required: bool = True
    srtp_source_checked: bool = True
    srtp_suites: tuple[str, ...] = (
        "AEAD_AES_128_GCM",
        "AEAD_AES_256_GCM",
        "AES_CM_128_HMAC_SHA1_80",
        "AES_CM_128_HMAC_SHA1_32",
    )
    srtp_careless: tuple[str, ...] = ()
