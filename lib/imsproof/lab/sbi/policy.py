"""What the lab's SBI nodes check: the defaults are the conformant network, a fault changes some of these values."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SbiPolicy:
    """Policy of every SBI server and of the NRF; each value is read at the one decision that it changes.

    Attributes:
        tls_versions: protocol versions that servers take (TS 33.210 clause 6.2.1: both 1.2 and 1.3, none older).
        tls12_ciphers: OpenSSL cipher list for TLS 1.2 and older.
        hello_flaws: flaws that are played in answer to a hello (``lab.sbi.rawhello``).
        alpn: protocols that servers choose, in order; only h2 is then served.
        only_group: the one key exchange group, as ``secp384r1``; ``""`` for the library's own.
        client_renegotiation: a second handshake that the client asks for is done.
        early_data: octets of early data that session tickets allow; with 0 there are no tickets.
        sessions_by_address: sessions are resumed, and taken for whose handshake came last from the same address.
        clear_text: HTTP/2 without TLS is served.
        client_certificate_required: a client without a certificate is refused (TS 33.501 clause 13.1.0).
        tolerated_verify_errors: OpenSSL verification error numbers that are let pass (10 is an expired certificate).
        check_revocation: client certificates are looked up in the CRL.
        ask_responder: the OCSP responder that a client's certificate names is asked (RFC 6960).
        fetch_crl: the list at its distribution point is fetched (RFC 5280 section 4.2.1.13).
        status_required: who cannot be vouched for is refused.
        status_flaws: what is not looked at in what vouches: serial, time, signer, delegation.
        staple: which OCSP response servers staple (``lab.sbi.staple``), ``""`` for none.
        identity_from_subject: the NF instance is known by the certificate's common name, not by its SAN.
        server_certificate: which odd certificate servers show (``lab.pki.ODD_SERVERS``), ``""`` for the right one.
        check_server_certificate: who notifies verifies the server's certificate.
        check_server_name: who notifies holds it against the name in the URI.
        token_required: a service request without an access token is refused (TS 33.501 clause 13.4.1.1.2).
        check_signature: the token's signature is verified.
        accept_alg_none: an unsecured token is taken.
        accept_hmac_with_public_key: HS256 keyed with the NRF's public key is taken.
        check_issuer: ``iss`` is the NRF.
        check_audience: ``aud`` is the producer's type or instance id.
        check_scope: ``scope`` names the service.
        check_operation_scope: ``scope`` names the operation too, where the node asks for that (TS 33.501 13.4.1.0).
        check_expiry: ``exp`` lies in the future.
        check_issued: ``iat`` and ``nbf`` do not lie in the future.
        check_subject: ``sub`` is the instance id of the TLS client's certificate.
        check_malformed: what is no token at all is refused, not taken for a request without one.
        check_critical: an extension that ``crit`` demands and that nobody knows is refused (RFC 7515 4.1.11).
        require_expiry: a token without ``exp`` is refused (TS 29.510: ``exp`` is mandatory).
        scope_by_part: a scope that merely contains the service's name is taken.
        audience_by_list: any list of instance ids in ``aud`` is taken.
        check_token_plmn: ``producerPlmnId``, where it stands, is the lab's PLMN.
        require_token_plmn: ``producerPlmnId`` must stand where ``consumerPlmnId`` is another PLMN.
        check_token_slice: ``producerSnssaiList`` and ``producerNsiList``, where they stand, name the lab's slice.
        check_token_set: ``producerNfSetId``, where it stands, is the lab's NF set.
        trust_unknown_kid: a token under a key id that is not known is taken unverified.
        trust_header_key: the key in the header's ``jwk`` is used.
        trust_certificate_chain: a token signed with any certificate of the trust anchor (``x5c``) is taken.
        fetch_key_urls: ``jku`` and ``x5u`` are fetched.
        first_duplicate_wins: of a claim that stands twice the first counts.
        query_token: a token in the query (``access_token``) is taken.
        first_authorization_wins: of several Authorization headers the first counts, however bad the others are.
        cca_required: nodes that ask for client credentials assertions serve nobody without one.
        check_cca: a client credentials assertion that is sent is verified (TS 33.501 clause 13.3.8.3).
        cca_check_signature, cca_check_audience, cca_check_expiry, cca_check_issued, cca_check_subject,
            cca_check_token: its parts: signature, ``aud``, ``exp``, ``iat``, ``sub`` against the certificate, and
            against the access token's.
        scp_vouches: what an SCP brings without an assertion is taken for its token's subject's.
        check_static_policy: without tokens, only consumers of the local policy are served (TS 33.501 13.3.0).
        check_owner: only the consumer that made a media context may change it.
        nrf_check_instance: ``nfInstanceId`` of a token request is the certificate's (TS 29.510 clause 5.4.2.2).
        nrf_check_type: ``nfType`` of a token request is the certificate's.
        nrf_check_plmn: ``requesterPlmn`` of a token request is the lab's.
        nrf_check_grant: ``grant_type`` is ``client_credentials``.
        nrf_strict_forms: a parameter that is given twice is refused (RFC 6749 section 3.2).
        nrf_check_discovery: only the NF types that a service allows discover it (TS 33.501 clause 13.3.1.3).
        nrf_claims_flaw: what is wrong with issued tokens: unsigned, expired, subject, audience, scope; ``""`` nothing.
        nrf_check_scope: a service's tokens go only to the NF types that the service allows.
        nrf_check_profile_owner: an NF changes only its own profile.
        nrf_no_store: token responses forbid caching (RFC 6749 section 5.1).
        token_lifetime: seconds.
        reject_duplicate_members: JSON objects with a member given twice are refused.
        max_json_depth: levels of nesting.
        max_json_leaves: values that are neither object nor array.
        max_body: octets of a request body.
        max_header_octets: octets of a decoded header list.
        max_streams: concurrent streams that a connection may have.
        max_connections: connections that a server keeps open.
        abuse_budget: resets, pings, settings and empty frames that a connection may send in a burst.
        handshake_seconds: from accepted connection to finished TLS handshake.
        request_seconds: from the first header to the last octet of a request, and for its handling.
        idle_seconds: a connection without any request.
    """

    tls_versions: tuple[str, ...] = ("TLSv1.2", "TLSv1.3")
    tls12_ciphers: str = "ECDHE+AESGCM:ECDHE+CHACHA20"
    hello_flaws: tuple[str, ...] = ()
    alpn: tuple[str, ...] = ("h2",)
    only_group: str = ""
    client_renegotiation: bool = False
    early_data: int = 0
    sessions_by_address: bool = False
    clear_text: bool = False
    client_certificate_required: bool = True
    tolerated_verify_errors: tuple[int, ...] = ()
    check_revocation: bool = True
    ask_responder: bool = True
    fetch_crl: bool = True
    status_required: bool = True
    status_flaws: tuple[str, ...] = ()
    staple: str = "good"
    identity_from_subject: bool = False
    server_certificate: str = ""

    check_server_certificate: bool = True
    check_server_name: bool = True
    token_required: bool = True
    check_signature: bool = True
    accept_alg_none: bool = False
    accept_hmac_with_public_key: bool = False
    check_issuer: bool = True
    check_audience: bool = True
    check_scope: bool = True
    check_operation_scope: bool = True
    check_expiry: bool = True
    check_issued: bool = True
    check_subject: bool = True
    check_malformed: bool = True
    check_critical: bool = True
    require_expiry: bool = True
    scope_by_part: bool = False
    audience_by_list: bool = False
    check_token_plmn: bool = True
    require_token_plmn: bool = True
    check_token_slice: bool = True
    check_token_set: bool = True
    trust_unknown_kid: bool = False
    trust_header_key: bool = False
    trust_certificate_chain: bool = False
    fetch_key_urls: bool = False
    first_duplicate_wins: bool = False
    query_token: bool = False
    first_authorization_wins: bool = False
    cca_required: bool = True
    check_cca: bool = True
    cca_check_signature: bool = True
    cca_check_audience: bool = True
    cca_check_expiry: bool = True
    cca_check_issued: bool = True
    cca_check_subject: bool = True
    cca_check_token: bool = True
    check_static_policy: bool = True
    scp_vouches: bool = False
    check_owner: bool = True

    nrf_check_instance: bool = True
    nrf_check_type: bool = True
    nrf_check_plmn: bool = True
    nrf_check_grant: bool = True
    nrf_strict_forms: bool = True
    nrf_check_discovery: bool = True
    nrf_claims_flaw: str = ""
    nrf_check_scope: bool = True
    nrf_check_profile_owner: bool = True
    nrf_no_store: bool = True
    token_lifetime: int = 600

    reject_duplicate_members: bool = True
    max_json_depth: int = 32
    max_json_leaves: int = 2_097_152
    max_body: int = 16_000_000
    max_header_octets: int = 65_536
    max_streams: int = 100
    max_connections: int = 512
    abuse_budget: int = 500
    handshake_seconds: float = 5.0
    request_seconds: float = 10.0
    idle_seconds: float = 60.0
