"""What the lab's MSRP endpoint decides; the defaults are the conformant endpoint."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MsrpPolicy:
    """The policy of the far UE's message sessions and of the IMS-AGW's message legs.

    Attributes:
        plain_accepted: whoever speaks MSRP without TLS at the TLS port is served.
        answers_plain: an offer of TCP/TLS/MSRP is answered with TCP/MSRP.
        tls_lowest: the lowest TLS version.
        tls_ciphers: OpenSSL list for TLS 1.2 and older.
        tls_security_level: of OpenSSL.
        peer_certificate_required: a peer without a certificate is sent away.
        check_fingerprint: the peer's certificate is held against the fingerprint of the session's offer.
        check_fingerprint_as_client: the same where the endpoint connects.
        fingerprint_hashes: hash functions that are good enough.
        fingerprint_required: an offer of TLS without a fingerprint is refused.
        fingerprint_of_any_session: a certificate is good that any session announced.
        announces_other_certificate: the answer holds the fingerprint of another certificate.
        session_ids: ``random``, ``short``, ``counter`` or ``clock``.
        unknown_sessions_served: a To-Path that names no session is answered as if it did.
        one_connection: a session that has a connection is not given to another one.
        bound_to_connection: a request must belong to a session of the connection that it came on.
        reports_anywhere: reports go to wherever the From-Path says, over a new connection.
        relays_onward: a request whose To-Path goes on behind the endpoint is sent on.
        outlives_call: a session stands when its call has ended.
        methods_checked: unknown methods are refused.
        fields_checked: a request without Message-ID, or with fields that cannot be read, is refused.
        types_checked: content of a type that was not agreed is refused.
        size_checked: a message longer than the announced max-size is refused.
        end_line_checked: only the message's own transaction id ends it.
        answers_reports: REPORT requests are answered.
        answers_responses: responses that nobody waits for are answered.
        answers_silenced: requests with Failure-Report: no are answered.
        reports_multiply: each chunk of a message with Success-Report: yes is reported several times.
        reports_without_asking: success is reported though nobody asked.
        dies_of: kinds of hostile input that end the endpoint until the lab is reset: ``range``, ``head``, ``endless``,
            ``responses``, ``idle``, ``chunks``, ``malformed``.
        attributes_stripped: the IMS-AGW takes out of an offer what is only for the access leg.
        agw_check_fingerprint: the IMS-AGW holds the UE's certificate against the fingerprint of its offer.
        agw_plain_accepted: the IMS-AGW relays what comes to its TLS port without TLS.
    """

    plain_accepted: bool = False
    answers_plain: bool = False
    tls_lowest: str = "TLSv1.2"
    tls_ciphers: str = "ECDHE+AESGCM:ECDHE+CHACHA20"
    tls_security_level: int = 2
    peer_certificate_required: bool = True
    check_fingerprint: bool = True
    check_fingerprint_as_client: bool = True
    fingerprint_hashes: tuple[str, ...] = ("sha-256", "sha-384", "sha-512")
    fingerprint_required: bool = True
    fingerprint_of_any_session: bool = False
    announces_other_certificate: bool = False
    session_ids: str = "random"
    unknown_sessions_served: bool = False
    one_connection: bool = True
    bound_to_connection: bool = True
    reports_anywhere: bool = False
    relays_onward: bool = False
    outlives_call: bool = False
    methods_checked: bool = True
    fields_checked: bool = True
    types_checked: bool = True
    size_checked: bool = True
    end_line_checked: bool = True
    answers_reports: bool = False
    answers_responses: bool = False
    answers_silenced: bool = False
    reports_multiply: bool = False
    reports_without_asking: bool = False
    dies_of: tuple[str, ...] = ()
    attributes_stripped: bool = True
    agw_check_fingerprint: bool = True
    agw_plain_accepted: bool = False
