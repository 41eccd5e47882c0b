"""TLS on memory: two ends agree, and each sees the other's certificate."""

from __future__ import annotations

import pytest
from tests.lab.media.msrp.bench import OTHER, UE

from imsproof.lab.media.msrp.policy import MsrpPolicy
from imsproof.lab.media.msrp.tlspipe import TlsEndedError, TlsPipe, context


def pair(server: MsrpPolicy, client: MsrpPolicy) -> tuple[TlsPipe, TlsPipe]:
    """Two ends that shook hands, or ``TlsEndedError``."""
    ends = TlsPipe(context(client, UE), server=False), TlsPipe(context(server, OTHER), server=True)
    ends[0].feed(b"")
    for _ in range(6):
        for one, other in (ends, ends[::-1]):
            if data := one.outgoing():
                other.feed(data)
    return ends


def test_plain_text_crosses_and_the_end_is_told() -> None:
    client, server = pair(MsrpPolicy(), MsrpPolicy())
    assert client.established
    assert (server.peer_der, client.peer_der) == (UE.der, OTHER.der)
    client.write(b"x" * 100_000)
    assert server.feed(client.outgoing()) == b"x" * 100_000
    client.close()
    with pytest.raises(TlsEndedError):
        server.feed(client.outgoing())


def test_versions_follow_the_policy() -> None:
    old = MsrpPolicy(tls_lowest="TLSv1", tls_ciphers="ECDHE+AES", tls_security_level=0)
    assert all(end.established for end in pair(old, old))


def test_what_is_no_tls_is_told() -> None:
    with pytest.raises(TlsEndedError):
        TlsPipe(context(MsrpPolicy(), UE), server=True).feed(b"MSRP is no hello")
