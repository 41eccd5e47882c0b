"""The network knows its subscribers, and the reference profile knows the same."""

from __future__ import annotations

from pathlib import Path

import yaml

from imsproof.lab import nodes
from imsproof.lab.network import ALL_APPS, apps_of, may_use_data_channels
from imsproof.lab.sip.subscribers import SUBSCRIBERS

PROFILE = yaml.safe_load((Path(__file__).resolve().parents[2] / "profiles" / "reference.yaml").read_text())


def test_rights_follow_the_subscription() -> None:
    able = next(subscriber for subscriber in SUBSCRIBERS if subscriber.data_channel)
    unable = next(subscriber for subscriber in SUBSCRIBERS if not subscriber.data_channel)
    assert may_use_data_channels(able.impus[0])
    assert apps_of(able.impus[1]) == able.apps
    assert not may_use_data_channels(unable.impus[0])
    assert not may_use_data_channels("sip:nobody@ims.example")
    assert apps_of("sip:nobody@ims.example") == ()
    assert set(able.apps) <= set(ALL_APPS)


def test_the_reference_profile_has_the_labs_subscribers() -> None:
    declared = {entry["name"]: entry for entry in PROFILE["gm"]["subscribers"]}
    assert list(declared) == [subscriber.name for subscriber in SUBSCRIBERS]
    for subscriber in SUBSCRIBERS:
        entry = declared[subscriber.name]
        assert entry["impi"] == subscriber.impi
        assert tuple(entry["impus"]) == subscriber.impus
        assert bytes.fromhex(entry.get("k", "")) == subscriber.k
        assert bytes.fromhex(entry.get("opc", "")) == subscriber.opc
        assert entry.get("password", "") == subscriber.password
        assert entry.get("algorithm", "") == subscriber.algorithm
        assert entry["data_channel"] == subscriber.data_channel
        assert tuple(entry.get("apps", ())) == subscriber.apps


def test_the_reference_profile_has_the_labs_network_functions() -> None:
    sbi = PROFILE["sbi"]
    lab = {nf.instance_id: nf for nf in nodes.LAB_NFS}
    for entry in (*sbi["producers"], sbi["nrf"]):
        nf = lab[entry["instance_id"]]
        assert entry["fqdn"] == nf.fqdn
        assert entry["url"] == nf.api_root("${env:IMSPROOF_LAB_PREFIX}")
    assert [entry["instance_id"] for entry in sbi["consumers"]] == [nf.instance_id for nf in nodes.TESTER_NFS]
    assert [entry["nf_type"] for entry in sbi["consumers"]] == [nf.nf_type for nf in nodes.TESTER_NFS]
