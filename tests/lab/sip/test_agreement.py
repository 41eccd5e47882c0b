"""The security agreement at the P-CSCF."""

from __future__ import annotations

import dataclasses

import pytest

from imsproof.codec.secagree import parse_mechanisms
from imsproof.codec.sip import Message, request
from imsproof.lab.sip.agreement import Agreement, Agreements, RefusedError, confirm
from imsproof.lab.sip.policy import SipPolicy
from imsproof.lab.sip.transport import Flow

FLOW = Flow("udp", ("192.0.2.1", 5060))
CONFORMANT = SipPolicy()


def entry(alg: str = "hmac-sha-1-96", ealg: str = "aes-cbc", spi: int = 300) -> str:
    return f"ipsec-3gpp;alg={alg};ealg={ealg};spi-c={spi};spi-s=400;port-c=1;port-s=2"


CLIENT = f"{entry()}, {entry('null', 'aes-gcm')}"


def register(client: str = "", verify: str = "", *, required: bool = False) -> Message:
    headers = [("Security-Client", client)] if client else []
    headers += [("Security-Verify", verify)] if verify else []
    headers += [("Require", "sec-agree")] if required else []
    return request("REGISTER", "sip:ims.example", headers)


def relaxed(**values: bool) -> SipPolicy:
    return dataclasses.replace(CONFORMANT, **values)  # type: ignore[arg-type]


def proposed(client: str = CLIENT, policy: SipPolicy = CONFORMANT) -> Agreement:
    agreement = Agreements().propose(register(client), FLOW, policy)
    assert agreement is not None
    return agreement


def test_without_a_wish_there_is_no_agreement() -> None:
    assert Agreements().propose(register(), FLOW, CONFORMANT) is None


def test_the_p_cscf_s_own_order_decides() -> None:
    for client in (CLIENT, ", ".join(reversed(CLIENT.split(", ")))):
        chosen = proposed(client).own
        assert chosen is not None
        assert chosen.get("ealg") == "aes-gcm"
    by_the_ue = proposed(policy=relaxed(client_priority=True)).own
    assert by_the_ue is not None
    assert by_the_ue.get("ealg") == "aes-cbc"


def test_the_network_s_spis_differ_from_the_ue_s() -> None:
    for _ in range(20):
        own = parse_mechanisms([proposed().header])[0]
        assert len({"300", "400", own.params["spi-c"], own.params["spi-s"]}) == 4
    own = parse_mechanisms([proposed(policy=relaxed(spis_differ=False)).header])[0]
    assert own.params["spi-c"] == "300"


def test_the_lists_must_come_back_as_they_were() -> None:
    agreement = proposed()
    confirm(agreement, register(CLIENT, agreement.header), CONFORMANT)
    moved = agreement.header.replace("port-s=5066", "port-s=9")
    weaker = agreement.header.replace("aes-gcm", "null")
    other = CLIENT.replace("300", "301")
    for client, verify in ((CLIENT, ""), (CLIENT, "tls;q=0.1"), (other, agreement.header), (CLIENT, moved)):
        with pytest.raises(RefusedError):
            confirm(agreement, register(client, verify), CONFORMANT)
    with pytest.raises(RefusedError):
        confirm(agreement, register(CLIENT, weaker), CONFORMANT)
    confirm(agreement, register(CLIENT, ""), relaxed(require_security_verify=False))
    confirm(agreement, register(CLIENT, "tls"), relaxed(check_security_verify=False))
    confirm(agreement, register(other, agreement.header), relaxed(check_security_client=False))
    confirm(agreement, register(CLIENT, moved), relaxed(verify_addresses=False))
    confirm(agreement, register(CLIENT, weaker), relaxed(verify_algorithms=False))


def test_the_answer_comes_through_the_association_that_was_agreed() -> None:
    agreements = Agreements()
    agreement = agreements.propose(register(CLIENT), FLOW, CONFORMANT)
    assert agreement is not None
    answer = register(CLIENT, agreement.header)
    with pytest.raises(RefusedError):
        agreements.unprotected_answer(answer, FLOW, CONFORMANT)
    agreements.unprotected_answer(answer, FLOW, relaxed(require_protected_answer=False))
    agreements.unprotected_answer(answer, Flow("udp", ("192.0.2.2", 5060)), CONFORMANT)


@pytest.mark.parametrize(
    "client",
    [
        "",
        "digest",
        entry("hmac-md5-96"),
        entry(ealg="des-ede3-cbc"),
        entry(ealg="null"),
        entry(spi=0),
        ";x",
        CLIENT + ";prot=ah",
    ],
)
def test_without_a_common_mechanism_the_list_is_told(client: str) -> None:
    client = client.replace(", ", ";prot=ah, ") if client.endswith("ah") else client
    with pytest.raises(RefusedError) as caught:
        Agreements().propose(register(client, required=True), FLOW, CONFORMANT)
    assert parse_mechanisms([caught.value.headers[-1][1]])


def test_planted_faults_of_the_choice() -> None:
    for policy, client, ealg in (
        (relaxed(require_confidentiality=False), entry(ealg="null"), "null"),
        (relaxed(forbidden_algorithms=True), entry("hmac-md5-96", "des-ede3-cbc"), "des-ede3-cbc"),
    ):
        own = proposed(client, policy).own
        assert own is not None
        assert own.get("ealg") == ealg
    assert proposed("digest", relaxed(unknown_mechanism_accepted=True)).header.startswith("digest")


def test_tls_is_a_mechanism() -> None:
    assert proposed("tls").own is None
