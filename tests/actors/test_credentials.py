"""How a UE answers challenges: right, wrong on purpose, and when it does not believe the network."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.actors.conftest import OPC, K, subscriber

from imsproof.actors.credentials import Credentials
from imsproof.codec import aka, sip
from imsproof.codec.digest import Digest
from imsproof.codec.milenage import Milenage
from imsproof.seams import InconclusiveError

RAND = bytes(range(16))
AMF = b"\x80\x00"
NETWORK = Milenage(K, opc=OPC)
URI = "sip:ims.example"


def challenge(sqn: int, *, autn: bytes | None = None, algorithm: str = "AKAv1-MD5", qop: str = "auth") -> str:
    vector = aka.make_vector(NETWORK, RAND, sqn, AMF)
    params = {"realm": "r", "nonce": aka.encode_nonce(RAND, autn or vector.autn), "algorithm": algorithm}
    return sip.format_challenge("Digest", params | ({"qop": qop} if qop else {}))


def parameters(authorization: str) -> dict[str, str]:
    return sip.parse_credentials(authorization)[1]


def expected(params: dict[str, str], password: bytes) -> str:
    return Digest(
        algorithm=params["algorithm"],
        username=params["username"],
        realm=params["realm"],
        password=password,
        method="REGISTER",
        uri=URI,
        nonce=params["nonce"],
        qop=params.get("qop", ""),
        nc=params.get("nc", ""),
        cnonce=params.get("cnonce", ""),
    ).response()


def test_a_fresh_challenge_is_answered_with_res() -> None:
    credentials = Credentials(subscriber(), "r")
    answer = credentials.answer(challenge(32), "REGISTER", URI)
    params = parameters(answer.authorization)
    assert (answer.autn, credentials.usim.sqn) == ("valid", 32)
    assert params["response"] == expected(params, NETWORK.f2(RAND))
    assert (answer.res, answer.ck, answer.ik) == (NETWORK.f2(RAND), NETWORK.f3(RAND), NETWORK.f4(RAND))


def test_without_qop_there_is_no_cnonce() -> None:
    answer = Credentials(subscriber(), "r").answer(challenge(32, qop=""), "REGISTER", URI)
    assert "cnonce" not in parameters(answer.authorization)


def test_res_can_be_wrong_on_purpose() -> None:
    answer = Credentials(subscriber(), "r").answer(challenge(32), "REGISTER", URI, res=lambda _: b"12345678")
    params = parameters(answer.authorization)
    assert params["response"] == expected(params, b"12345678")


def test_a_wrong_mac_gets_no_response_and_leaves_sqn_alone() -> None:
    credentials = Credentials(subscriber(), "r")
    answer = credentials.answer(challenge(32, autn=bytes(16)), "REGISTER", URI)
    assert (answer.autn, credentials.usim.sqn) == ("wrong-mac", -1)
    assert parameters(answer.authorization)["response"] == ""


def test_an_old_sequence_number_gets_auts() -> None:
    credentials = Credentials(subscriber(sqn="000000000040"), "r")
    answer = credentials.answer(challenge(32), "REGISTER", URI)
    auts = base64.b64decode(parameters(answer.authorization)["auts"])
    assert (answer.autn, answer.auts) == ("valid", True)
    assert aka.check_auts(NETWORK, RAND, auts) == 64


@pytest.mark.parametrize("header", ["Digest", "Digest nonce", "", "Digest nonce=short, algorithm=AKAv1-MD5"])
def test_a_challenge_that_cannot_be_read_is_no_crash(header: str) -> None:
    answer = Credentials(subscriber(password="x"), "r").answer(header, "REGISTER", URI)
    assert answer.autn in ("", "unreadable")


@given(st.text(max_size=80))
def test_any_header_gives_an_answer_or_none(text: str) -> None:
    Credentials(subscriber(password="x"), "r").answer(text, "REGISTER", URI)


def test_an_unknown_algorithm_is_named() -> None:
    answer = Credentials(subscriber(), "r").answer('Digest nonce="n", algorithm=ROT13', "REGISTER", URI)
    assert (answer.authorization, answer.autn) == ("", "unreadable")
    assert "ROT13" in answer.detail


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256", "SHA-512-256"])
def test_a_password_is_used_for_digest(algorithm: str) -> None:
    header = f'Digest realm="r", nonce="n", algorithm={algorithm}, qop="auth", opaque="o"'
    params = parameters(Credentials(subscriber(password="secret"), "r").answer(header, "REGISTER", URI).authorization)
    assert params["response"] == expected(params, b"secret")
    assert (params["opaque"], params["nc"]) == ("o", "00000001")


def test_the_count_of_a_nonce_rises() -> None:
    credentials = Credentials(subscriber(password="secret"), "r")
    header = 'Digest realm="r", nonce="n", qop="auth"'
    counts = [parameters(credentials.answer(header, "REGISTER", URI).authorization)["nc"] for _ in range(2)]
    assert counts == ["00000001", "00000002"]


def test_parameters_can_be_altered_after_the_response() -> None:
    answer = Credentials(subscriber(), "r").answer(
        challenge(32), "REGISTER", URI, alter=lambda params: params | {"username": "b@ims.example"}
    )
    assert parameters(answer.authorization)["username"] == "b@ims.example"


def test_a_secret_that_the_profile_lacks_is_named() -> None:
    with pytest.raises(InconclusiveError, match="k and opc"):
        Credentials(subscriber(password="x"), "r").answer(challenge(1), "REGISTER", URI)
    with pytest.raises(InconclusiveError, match="password"):
        Credentials(subscriber(), "r").answer('Digest nonce="n"', "REGISTER", URI)
