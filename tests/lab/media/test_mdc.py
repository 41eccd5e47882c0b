"""TLS between MF and DC AS."""

from __future__ import annotations

import ssl

from imsproof.lab.media.mdc import make_trust


def shake(client: ssl.SSLContext, server: ssl.SSLContext) -> str:
    """Do a handshake over memory; return the version, or the reason why not."""
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [client.wrap_bio(back, there), server.wrap_bio(there, back, server_side=True)]
    for _ in range(4):
        for end in ends:
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
            except ssl.SSLError as error:
                return error.reason
    return ends[1].version() or ""


def test_the_two_ends_of_one_lab_trust_one_another() -> None:
    trust = make_trust()
    assert shake(trust.mf, trust.dcas) == "TLSv1.3"


def test_the_mf_of_another_lab_is_refused() -> None:
    ours, theirs = make_trust(), make_trust()
    theirs.mf.verify_mode = ssl.CERT_NONE
    assert "CERTIFICATE_VERIFY_FAILED" in shake(theirs.mf, ours.dcas)


def test_a_peer_without_certificate_is_refused() -> None:
    bare = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    bare.check_hostname = False
    bare.verify_mode = ssl.CERT_NONE
    assert "PEER_DID_NOT_RETURN_A_CERTIFICATE" in shake(bare, make_trust().dcas)
