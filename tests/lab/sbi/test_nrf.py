"""The NRF: tokens for the right consumer only, profiles for their owner only, discovery for the authorised only."""

from __future__ import annotations

import time
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from imsproof.lab import nodes

AS = nodes.TESTER_AS
FORM = {
    "grant_type": "client_credentials",
    "nfInstanceId": AS.instance_id,
    "nfType": "IMS_AS",
    "targetNfType": "MF",
    "scope": "nmf-mrm",
}


def ask(lab: Any, identity: str = "tester-as", **changes: Any) -> Any:
    form = {name: value for name, value in {**FORM, **changes}.items() if value is not None}
    return lab.request(nodes.NRF, "POST", "/oauth2/token", identity=identity, data=form)


def test_a_token_holds_the_claims_asked_for_and_is_not_to_be_stored(lab: Any) -> None:
    answer = ask(lab)
    assert answer.status_code == 200
    assert (answer.headers["cache-control"], answer.headers["pragma"]) == ("no-store", "no-cache")
    value = answer.json()
    assert (value["token_type"], value["scope"]) == ("Bearer", "nmf-mrm")
    key = ECKey.import_key(lab.pki.token_public_key.read_bytes())
    claims = jwt.decode(value["access_token"], key, algorithms=["ES256"]).claims
    assert claims["exp"] - claims["iat"] == value["expires_in"] <= 3600
    assert abs(claims["iat"] - time.time()) < 60
    assert {name: claims[name] for name in ("iss", "sub", "aud", "scope")} == {
        "iss": nodes.NRF.instance_id,
        "sub": AS.instance_id,
        "aud": "MF",
        "scope": "nmf-mrm",
    }


def test_the_token_is_good_at_the_producer(lab: Any) -> None:
    token = ask(lab).json()["access_token"]
    assert lab.create(headers={"authorization": f"Bearer {token}"}).status_code == 201
    token = ask(lab, targetNfInstanceId=nodes.MF.instance_id).json()["access_token"]
    assert lab.create(headers={"authorization": f"Bearer {token}"}).status_code == 201


REFUSED = [
    ({"nfInstanceId": nodes.TESTER_SECOND_AS.instance_id}, "invalid_client"),
    ({"nfInstanceId": "x"}, "invalid_request"),
    ({"nfInstanceId": None}, "invalid_request"),
    ({"grant_type": None}, "invalid_request"),
    ({"grant_type": "password"}, "unsupported_grant_type"),
    ({"scope": None}, "invalid_request"),
    ({"scope": "nmf-mrm "}, "invalid_scope"),
    ({"scope": "no-such"}, "invalid_scope"),
    ({"scope": "nmf-mrm nimsas-mc"}, "invalid_scope"),
    ({"nfType": "DCSF"}, "unauthorized_client"),
    ({"nfType": "MF", "targetNfType": "IMS_AS", "scope": "nimsas-mc"}, "unauthorized_client"),
    ({"requesterPlmn": '{"mcc":"262","mnc":"01"}'}, "unauthorized_client"),
    ({"requesterPlmn": "{"}, "unauthorized_client"),
    ({"targetNfType": None}, "invalid_request"),
    ({"targetNfType": "AMF"}, "invalid_request"),
    ({"targetNfInstanceId": AS.instance_id}, "invalid_request"),
]


@pytest.mark.parametrize(("changes", "error"), REFUSED)
def test_a_request_that_is_not_right_gets_no_token(lab: Any, changes: dict[str, Any], error: str) -> None:
    answer = ask(lab, **changes)
    assert (answer.status_code, answer.json()["error"]) == (400, error)
    assert "access_token" not in answer.json()


def test_another_nf_type_gets_no_token_for_the_service(lab: Any) -> None:
    form = {"nfInstanceId": nodes.TESTER_DCSF.instance_id, "nfType": "DCSF"}
    assert ask(lab, "tester-dcsf", **form).json()["error"] == "unauthorized_client"
    assert ask(lab, "tester-dcsf", **form, targetNfType="IMS_AS", scope="nimsas-mc").status_code == 200


@pytest.mark.parametrize(
    ("fault", "changes"),
    [
        ("nrf.instance_not_checked", {"nfInstanceId": nodes.TESTER_SECOND_AS.instance_id}),
        ("nrf.type_not_checked", {"nfType": "DCSF", "targetNfType": "IMS_AS", "scope": "nimsas-mc"}),
        ("nrf.scope_not_checked", {"targetNfType": "IMS_AS", "scope": "nimsas-mc"}),
    ],
)
def test_a_planted_fault_gives_the_token_out(lab: Any, fault: str, changes: dict[str, Any]) -> None:
    assert ask(lab, **changes).status_code == 400
    lab.fault(fault)
    assert ask(lab, **changes).status_code == 200


@pytest.mark.parametrize("body", [b"", b"grant_type", b"\xff=1", b"scope=a&scope=b", b"a=1&" * 100])
def test_a_malformed_form_is_refused(lab: Any, body: bytes) -> None:
    headers = {"content-type": "application/x-www-form-urlencoded"}
    answer = lab.request(nodes.NRF, "POST", "/oauth2/token", headers=headers, content=body)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


def test_a_json_token_request_is_refused(lab: Any) -> None:
    assert lab.request(nodes.NRF, "POST", "/oauth2/token", json=FORM).status_code == 415


# --- profiles ---------------------------------------------------------------------------------------------------


def profile(nf: nodes.Nf) -> dict[str, Any]:
    return {"nfInstanceId": nf.instance_id, "nfType": nf.nf_type, "nfStatus": "REGISTERED"}


def at(nf: nodes.Nf) -> str:
    return f"/nnrf-nfm/v1/nf-instances/{nf.instance_id}"


def test_an_nf_registers_reads_and_removes_its_own_profile(lab: Any) -> None:
    assert lab.request(nodes.NRF, "GET", at(AS)).status_code == 404
    answer = lab.request(nodes.NRF, "PUT", at(AS), json=profile(AS))
    assert (answer.status_code, answer.headers["location"]) == (201, nodes.NRF.api_root(lab.prefix) + at(AS))
    assert lab.request(nodes.NRF, "PUT", at(AS), json=profile(AS)).status_code == 200
    assert lab.request(nodes.NRF, "GET", at(AS)).json()["nfType"] == "IMS_AS"
    assert lab.request(nodes.NRF, "DELETE", at(AS)).status_code == 204


def test_another_nfs_profile_is_out_of_reach(lab: Any) -> None:
    assert lab.request(nodes.NRF, "PUT", at(nodes.MF), json=profile(nodes.MF)).status_code == 403
    assert lab.request(nodes.NRF, "DELETE", at(nodes.MF)).status_code == 403
    assert ask(lab).status_code == 200
    lab.fault("nrf.profile_owner_not_checked")
    assert lab.request(nodes.NRF, "DELETE", at(nodes.MF)).status_code == 204


@pytest.mark.parametrize(
    "changes", [{"nfInstanceId": "x"}, {"nfType": 3}, {"nfStatus": None}, {"nfServices": {}}, {"nfServices": [1]}]
)
def test_a_profile_that_is_not_right_is_refused(lab: Any, changes: dict[str, Any]) -> None:
    answer = lab.request(nodes.NRF, "PUT", at(AS), json={**profile(AS), **changes})
    assert answer.status_code == 400


def test_a_profile_of_another_type_than_the_certificates_is_refused(lab: Any) -> None:
    assert lab.request(nodes.NRF, "PUT", at(AS), json={**profile(AS), "nfType": "MF"}).status_code == 403


# --- discovery --------------------------------------------------------------------------------------------------


def discover(lab: Any, query: str, identity: str = "tester-as") -> Any:
    return lab.request(nodes.NRF, "GET", f"/nnrf-disc/v1/nf-instances{query}", identity=identity)


def test_discovery_is_for_those_whom_the_producer_allows(lab: Any) -> None:
    found = discover(lab, "?target-nf-type=MF&requester-nf-type=IMS_AS")
    assert [entry["nfInstanceId"] for entry in found.json()["nfInstances"]] == [nodes.MF.instance_id]
    query = "?target-nf-type=MF&requester-nf-type=DCSF"
    assert discover(lab, query, "tester-dcsf").status_code == 403
    assert discover(lab, query, "tester-as").status_code == 403
    assert discover(lab, "?target-nf-type=AMF&requester-nf-type=IMS_AS").json()["nfInstances"] == []
    assert discover(lab, "?target-nf-type=MF").status_code == 400
