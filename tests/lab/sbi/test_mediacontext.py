"""Media contexts: what the IMS AS writes the MF reads, and nothing else is taken."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imsproof.lab.dctypes import DcEndpoint, DcOffer
from imsproof.lab.sbi.mediacontext import add_local, dc_medias, local_of, media_json
from imsproof.lab.sbi.messages import Refused

HOSTS = frozenset({"127.1.1.60"})
OCTET = st.integers(0, 255).map(lambda number: f"{number:02X}")
FINGERPRINTS = st.lists(OCTET, min_size=32, max_size=32).map(lambda octets: "SHA-256 " + ":".join(octets))
PORTS = st.integers(1, 65535)
FIELDS = {
    "address": st.sampled_from(["127.0.0.1", "127.9.8.7", "::1"]),
    "port": PORTS,
    "fingerprint": FINGERPRINTS,
    "setup": st.sampled_from(["actpass", "active", "passive"]),
    "tls_id": st.sampled_from(["", "abcdef0123456789abcd"]),
    "sctp_port": PORTS,
    "max_message_size": st.integers(1, 64).map(lambda number: 1024 * number),
}
OFFERS = st.builds(
    DcOffer, **FIELDS, streams=st.lists(st.integers(0, 65535), min_size=1, max_size=5, unique=True).map(tuple)
)
OFFER = DcOffer("127.0.0.1", 4000, "SHA-256 " + ":".join(["4A"] * 32), "actpass", "", 5000, 1024, (0,))


def context(media: dict[str, Any]) -> dict[str, Any]:
    return {"terminations": [{"medias": [media]}]}


@given(OFFERS)
def test_an_offer_comes_back_as_it_went_in(offer: DcOffer) -> None:
    url = "https://127.1.1.60:8080/apps/tel%3A%2B4930/"
    urls = {"0": {"streamId": 0, "replaceHttpUrl": url}}
    (media,) = dc_medias(context(media_json("dc", offer, urls)), HOSTS)
    assert (media.remote, media.apps_url, media.subscriber) == (offer, url, "tel:+4930")


@given(st.builds(DcEndpoint, **FIELDS))
def test_the_mfs_end_comes_back_as_it_went_in(local: DcEndpoint) -> None:
    media = media_json("dc", OFFER, {})
    add_local(media, local)
    assert local_of(media) == local


def without(path: str) -> dict[str, Any]:
    value = context(media_json("dc", OFFER, {}))
    *way, last = path.split("/")
    at: Any = value["terminations"][0]["medias"][0]
    for step in way:
        at = at[step]
    del at[last]
    return value


@pytest.mark.parametrize(
    "path",
    ["mediaId", "mediaResourceType", "dcMedia", "remoteMbEndpoint", "dcMedia/streams", "dcMedia/remoteDcEndpoint"],
)
def test_a_missing_part_is_refused(path: str) -> None:
    with pytest.raises(Refused):
        dc_medias(without(path), HOSTS)


WRONG: list[tuple[str, Any]] = [
    ("mediaResourceType", "SMELL"),
    ("mediaResourceType", "AUDIO"),
    ("remoteMbEndpoint/ip", {"ipv4Addr": "192.0.2.1"}),
    ("remoteMbEndpoint/ip", {"ipv4Addr": "localhost"}),
    ("remoteMbEndpoint/portNumber", 0),
    ("remoteMbEndpoint/portNumber", 65536),
    ("remoteMbEndpoint/portNumber", True),
    ("remoteMbEndpoint/portNumber", "4000"),
    ("remoteMbEndpoint/transport", "TCP"),
    ("dcMedia/securitySetup", "holdconn"),
    ("dcMedia/maxMessageSize", 65),
    ("dcMedia/streams", {"0": 0}),
    ("dcMedia/streams", {"0": {"streamId": 70000}}),
    ("dcMedia/streams", {"0": {}}),
    ("dcMedia/remoteDcEndpoint/fingerprint", "MD2 " + ":".join(["4A"] * 16)),
    ("dcMedia/remoteDcEndpoint/fingerprint", "SHA-1 " + ":".join(["4A"] * 16)),
    ("dcMedia/remoteDcEndpoint/fingerprint", "SHA-256 4A:4A"),
    ("dcMedia/remoteDcEndpoint/fingerprint", 5),
    ("dcMedia/remoteDcEndpoint/tlsId", "short"),
    ("dcMedia/remoteDcEndpoint/sctpPort", -1),
    ("dcMedia/replaceHttpUrl", {"0": {"replaceHttpUrl": "http://192.0.2.1/x"}}),
    ("dcMedia/replaceHttpUrl", {"0": {"replaceHttpUrl": "file:///etc/passwd"}}),
    ("dcMedia/replaceHttpUrl", {"0": {"replaceHttpUrl": "http://127.1.1.60"}}),
    ("dcMedia/replaceHttpUrl", {"0": {"replaceHttpUrl": "http://[127.1.1.60/x"}}),
    ("dcMedia/replaceHttpUrl", {"0": {"replaceHttpUrl": "http://127.1.1.60@192.0.2.1/x"}}),
    ("dcMedia/replaceHttpUrl", {"0": None}),
    ("dcMedia/replaceHttpUrl", [1]),
]


@pytest.mark.parametrize(("path", "value"), WRONG)
def test_a_wrong_value_is_refused(path: str, value: Any) -> None:
    media = media_json("dc", OFFER, {})
    *way, last = path.split("/")
    at: Any = media
    for step in way:
        at = at[step]
    at[last] = value
    with pytest.raises(Refused):
        dc_medias(context(media), HOSTS)


def test_medias_are_bounded() -> None:
    media = media_json("dc", OFFER, {})
    with pytest.raises(Refused):
        dc_medias({"terminations": [{"medias": [copy.deepcopy(media) for _ in range(9)]}]}, HOSTS)
