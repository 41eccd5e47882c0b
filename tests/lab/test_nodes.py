"""Who is who, and where."""

from __future__ import annotations

from imsproof.lab import nodes


def test_a_node_has_an_address_and_a_name_under_the_prefix() -> None:
    assert nodes.MF.fqdn == "mf.ims.example"
    assert nodes.MF.address("127.31.5") == "127.31.5.50"
    assert nodes.MF.api_root("127.31.5") == "https://127.31.5.50:8443"


def test_addresses_are_unique() -> None:
    assert len({nf.host for nf in nodes.LAB_NFS}) == len(nodes.LAB_NFS)
