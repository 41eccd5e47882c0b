"""The security agreement at the P-CSCF."""

from __future__ import annotations

import pytest

from imsproof.codec.secagree import parse_mechanisms
from imsproof.codec.sip import Message, request
from imsproof.lab.sip.agreement import Agreements, RefusedError
from imsproof.lab.sip.transport import Flow

FLOW = Flow("udp", ("192.0.2.1", 5060))
CLIENT = "ipsec-3gpp;alg=hmac-sha-1-96;ealg=aes-cbc;spi-c=300;spi-s=400;port-c=1;port-s=2"


def register(client: str = "", verify: str = "", *, required: bool = False) -> Message:
    headers = [("Security-Client", client)] if client else []
    headers += [("Security-Verify", verify)] if verify else []
    headers += [("Require", "sec-agree")] if required else []
    return request("REGISTER", "sip:ims.example", headers)


def test_without_a_wish_there_is_no_agreement() -> None:
    assert Agreements().enter(register(), FLOW, answers=False, check=True) is None


def test_the_network_s_spis_differ_from_the_ue_s() -> None:
    for _ in range(20):
        server = Agreements().enter(register(CLIENT), FLOW, answers=False, check=True)
        entry = parse_mechanisms([server or ""])[0]
        assert len({"300", "400", entry.params["spi-c"], entry.params["spi-s"]}) == 4


def test_the_list_must_come_back_as_it_was_sent_from_the_same_client() -> None:
    agreements = Agreements()
    server = agreements.enter(register(CLIENT), FLOW, answers=False, check=True) or ""
    assert agreements.enter(register(CLIENT, server), FLOW, answers=True, check=True) is None
    for client, verify in ((CLIENT, ""), (CLIENT, "tls;q=0.1"), (CLIENT.replace("300", "301"), server)):
        agreements.enter(register(CLIENT), FLOW, answers=False, check=True)
        with pytest.raises(RefusedError):
            agreements.enter(register(client, verify), FLOW, answers=True, check=True)
    agreements.enter(register(CLIENT), FLOW, answers=False, check=True)
    assert agreements.enter(register(CLIENT, "tls"), FLOW, answers=True, check=False) is None


@pytest.mark.parametrize(
    "client", ["", "digest", "ipsec-3gpp;alg=hmac-md5-96", "ipsec-3gpp;alg=hmac-sha-1-96;ealg=des-ede3-cbc", ";x"]
)
def test_without_a_common_mechanism_the_list_is_told(client: str) -> None:
    with pytest.raises(RefusedError) as caught:
        Agreements().enter(register(client, required=True), FLOW, answers=False, check=True)
    assert parse_mechanisms([caught.value.header])


def test_tls_is_a_mechanism() -> None:
    assert Agreements().enter(register("tls"), FLOW, answers=False, check=True)
