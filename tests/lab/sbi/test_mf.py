"""Nmf_MRM over real sockets: who is served, what is made, what is released."""

from __future__ import annotations

from typing import Any

import pytest

from imsproof.lab import nodes
from imsproof.lab.dctypes import DcOffer

PATCH = {"content-type": "application/json-patch+json"}
DC_MEDIA = "/terminations/0/medias/0/dcMedia"


def made(lab: Any) -> tuple[str, dict[str, Any]]:
    answer = lab.create()
    assert answer.status_code == 201
    return answer.headers["location"].removeprefix(nodes.MF.api_root(lab.prefix)), answer.json()


def test_a_context_is_made_with_the_mfs_own_end(lab: Any) -> None:
    path, value = made(lab)
    assert path == f"/nmf-mrm/v1/contexts/{value['contextId']}"
    media = value["terminations"][0]["medias"][0]
    assert media["localMbEndpoint"] == {
        "ip": {"ipv4Addr": f"{lab.prefix}.50"},
        "transport": "UDP",
        "portNumber": 5000,
    }
    assert media["dcMedia"]["localDcEndpoint"]["fingerprint"].startswith("SHA-256 AB:")
    assert media["dcMedia"]["securitySetup"] == "PASSIVE"
    remote, _, _ = lab.media.held[value["contextId"]]
    assert remote == DcOffer(
        "127.0.0.1", 4000, "SHA-256 " + ":".join(["4A"] * 32), "actpass", "abc3de65cddef001be82", 5000, 65536, (0,)
    )


def test_the_subscriber_is_read_from_the_replacement_url(lab: Any) -> None:
    url = f"https://{lab.prefix}.60:8080/apps/sip%3Aalice%40ims.example/"
    value = lab.media_context(replaceHttpUrl={"0": {"streamId": 0, "replaceHttpUrl": url}})
    context_id = lab.create(json=value).json()["contextId"]
    assert lab.media.held[context_id][1:] == ("sip:alice@ims.example", url)


def test_a_context_is_deleted_once(lab: Any) -> None:
    path, _ = made(lab)
    assert lab.request(nodes.MF, "DELETE", path, headers=lab.bearer()).status_code == 204
    assert lab.media.held == {}
    assert lab.request(nodes.MF, "DELETE", path, headers=lab.bearer()).status_code == 404


def test_an_update_moves_the_remote_end_and_keeps_the_mfs(lab: Any) -> None:
    path, value = made(lab)
    patch = [
        {"op": "replace", "path": "/terminations/0/medias/0/remoteMbEndpoint/portNumber", "value": 4002},
        {"op": "replace", "path": f"{DC_MEDIA}/localDcEndpoint/fingerprint", "value": "SHA-256 00"},
    ]
    answer = lab.request(nodes.MF, "PATCH", path, headers={**lab.bearer(), **PATCH}, json=patch)
    assert answer.status_code == 200
    local = answer.json()["terminations"][0]["medias"][0]["dcMedia"]["localDcEndpoint"]
    assert local == value["terminations"][0]["medias"][0]["dcMedia"]["localDcEndpoint"]
    remote, _, _ = lab.media.held[value["contextId"]]
    assert (remote.port, remote.setup, remote.max_message_size) == (4002, "actpass", 65536)


@pytest.mark.parametrize(
    ("patch", "status"),
    [
        ([{"op": "test", "path": "/contextId", "value": "x"}], 400),
        ([{"op": "replace", "path": "/contextId", "value": "x"}], 403),
        ([{"op": "remove", "path": "/terminations/0/medias/9"}], 400),
        ([{"op": "add", "path": "/terminations/-", "value": {"medias": [{"mediaId": "x"}]}}], 400),
        ([{"op": "copy", "from": "/terminations/0", "path": "/terminations/-"}], 403),
        ([{"op": "replace", "path": f"{DC_MEDIA}/securitySetup", "value": "HOLDCONN"}], 400),
        ([{"op": "replace", "path": "", "value": 7}], 403),
        ({}, 400),
    ],
)
def test_an_update_that_does_not_fit_changes_nothing(lab: Any, patch: object, status: int) -> None:
    path, value = made(lab)
    before = lab.media.held[value["contextId"]]
    answer = lab.request(nodes.MF, "PATCH", path, headers={**lab.bearer(), **PATCH}, json=patch)
    assert answer.status_code == status
    assert lab.media.held == {value["contextId"]: before}
    assert lab.request(nodes.MF, "DELETE", path, headers=lab.bearer()).status_code == 204


def test_another_consumer_may_not_change_or_delete_a_context(lab: Any) -> None:
    path, _ = made(lab)
    other = {"identity": "tester-as-2", "headers": lab.bearer(sub=nodes.TESTER_SECOND_AS.instance_id)}
    assert lab.create(**other).status_code == 201
    assert lab.request(nodes.MF, "DELETE", path, **other).status_code == 403
    assert lab.mf.contexts == 2


def test_contexts_are_bounded(lab: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("imsproof.lab.sbi.mf.MAX_CONTEXTS", 1)
    assert lab.create().status_code == 201
    assert lab.create().status_code == 500


def test_what_the_media_plane_refuses_leaves_no_context(lab: Any) -> None:
    lab.media.refuse = "no port is left"
    answer = lab.create()
    assert answer.status_code == 403
    assert "no port is left" in answer.json()["detail"]
    assert lab.mf.contexts == 0


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"terminations":[]}', b'{"a":1,"a":2}', b"\xff", b"[" * 9999])
def test_a_body_that_is_no_media_context_is_refused(lab: Any, content: bytes) -> None:
    headers = {**lab.bearer(), "content-type": "application/json"}
    answer = lab.create(headers=headers, content=content)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert lab.mf.contexts == 0


def test_unknown_paths_and_methods_are_refused(lab: Any) -> None:
    assert lab.request(nodes.MF, "GET", "/nmf-mrm/v1/contexts", headers=lab.bearer()).status_code == 405
    assert lab.request(nodes.MF, "GET", "/nmf-mrm/v1/../../etc/passwd").status_code == 404
    assert lab.request(nodes.MF, "DELETE", "/nmf-mrm/v1/contexts/%2e%2e%2fx", headers=lab.bearer()).status_code == 404
