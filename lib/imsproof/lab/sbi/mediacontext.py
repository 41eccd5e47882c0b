"""Media contexts of Nmf_MRM (TS 29.176) as the lab uses them: from and to the data channel's endpoints."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from imsproof.lab.dctypes import DcEndpoint, DcOffer, IceEnd
from imsproof.lab.sbi.messages import Refused, refused

FINGERPRINT = re.compile(r"(SHA-1|SHA-224|SHA-256|SHA-384|SHA-512|MD5) [0-9A-F]{2}(:[0-9A-F]{2})+", re.IGNORECASE)
DIGEST_OCTETS = {"MD5": 16, "SHA-1": 20, "SHA-224": 28, "SHA-256": 32, "SHA-384": 48, "SHA-512": 64}
"""What the published schema admits; which of them are good enough is the media plane's policy."""
TLS_ID = re.compile(r"[A-Za-z0-9+/_-]{20,255}")
SETUPS = {"ACTIVE": "active", "PASSIVE": "passive", "ACTPASS": "actpass"}
PROXIES = ("HTTP", "UDP")
RESOURCE_TYPES = ("DC", "AR", "AUDIO", "VIDEO")
SIZE_UNIT = 1024
"""The published maxMessageSize is an integer of at most 64; the lab reads it in units of 1024 octets."""
MAX_MEDIAS = 8
OWN_STREAMS, FAR_STREAMS = (0, 10), (100, 110)
"""Bootstrap streams of the local and of the remote side (TS 26.114 6.2.10.1)."""
ICE = "vendorSpecific-000000"
"""Nmf_MRM has nothing for ICE; the lab's AS and MF tell each other so (TS 29.500 clause 6.6.3), as this vendor."""


@dataclass(frozen=True, slots=True)
class DcMedia:
    """One data-channel media of a context: where it stands, the remote end, and where the applications are."""

    termination: int
    index: int
    remote: DcOffer
    apps_url: str

    @property
    def subscriber(self) -> str:
        """Whose applications: the last segment of the replacement URL's path."""
        return whose(self.apps_url)


def whose(apps_url: str) -> str:
    """Return whose applications lie at a replacement URL: the last segment of its path."""
    return unquote(urlsplit(apps_url).path.rstrip("/").rpartition("/")[2])


def dc_medias(context: dict[str, Any], allowed_hosts: frozenset[str] | None) -> list[DcMedia]:
    """Return the data-channel medias of a MediaContext.

    Raises:
        Refused: 400 with what is missing or wrong.
    """
    found: list[DcMedia] = []
    terminations = _list(context, "terminations")
    for number, termination in enumerate(terminations):
        if not isinstance(termination, dict) or not isinstance(termination.get("terminationId", ""), str):
            raise _wrong("terminationId")
        for index, media in enumerate(_list(termination, "medias")):
            if not isinstance(media, dict) or not isinstance(media.get("mediaId"), str):
                raise _missing("mediaId")
            if media.get("mediaResourceType") not in RESOURCE_TYPES:
                raise _wrong("mediaResourceType")
            if media["mediaResourceType"] == "DC":
                found.append(_dc_media(media, number, index, allowed_hosts))
    if not found:
        raise refused(403, "MEDIA_NOT_SUPPORTED", "this MF anchors data channels only")
    if len(found) > MAX_MEDIAS:
        raise refused(400, "MANDATORY_IE_INCORRECT", f"more than {MAX_MEDIAS} data-channel medias")
    return found


def _dc_media(media: dict[str, Any], termination: int, index: int, allowed_hosts: frozenset[str] | None) -> DcMedia:
    dc = _object(media, "dcMedia")
    remote = _object(dc, "remoteDcEndpoint")
    address, port = parse_endpoint(_object(media, "remoteMbEndpoint"))
    fingerprint = str(remote.get("fingerprint", ""))
    algorithm, _, value = fingerprint.partition(" ")
    if not FINGERPRINT.fullmatch(fingerprint) or value.count(":") + 1 != DIGEST_OCTETS[algorithm.upper()]:
        raise _wrong("fingerprint")
    tls_id = remote.get("tlsId", "")
    if tls_id and not (isinstance(tls_id, str) and TLS_ID.fullmatch(tls_id)):
        raise _wrong("tlsId")
    if dc.get("mediaProxyConfig", "HTTP") not in PROXIES:
        raise _wrong("mediaProxyConfig")
    setup = SETUPS.get(str(dc.get("securitySetup", "ACTPASS")))
    if setup is None:
        raise _wrong("securitySetup")
    offer = DcOffer(
        address=address,
        port=port,
        fingerprint=fingerprint,
        setup=setup,
        tls_id=tls_id,
        sctp_port=_integer(remote, "sctpPort", 5000, 65535),
        max_message_size=_integer(dc, "maxMessageSize", 64, 64) * SIZE_UNIT,
        streams=_streams(dc),
        far_apps=_url_of(dc, FAR_STREAMS),
        ice=_ice(dc, "remote"),
    )
    return DcMedia(termination, index, offer, _apps_url(dc, allowed_hosts))


def media_json(media_id: str, remote: DcOffer, urls: dict[str, Any]) -> dict[str, Any]:
    """Return the MediaInfo that asks an MF to anchor ``remote``; ``urls`` is the DCSF's replaceHttpUrls."""
    streams = {str(stream): {"streamId": stream} for stream in remote.streams}
    media: dict[str, Any] = {
        "mediaId": media_id,
        "mediaResourceType": "DC",
        "remoteMbEndpoint": endpoint_json(remote.address, remote.port),
        "dcMedia": {
            "mediaProxyConfig": "HTTP",
            "streams": streams,
            "maxMessageSize": size_json(remote),
            "remoteDcEndpoint": dc_endpoint_json(remote),
            "securitySetup": remote.setup.upper(),
        },
    }
    if remote.ice:
        media["dcMedia"][ICE] = ice_json(remote.ice)
    if urls:
        media["dcMedia"]["replaceHttpUrl"] = urls
    return media


def ice_json(remote: IceEnd) -> dict[str, Any]:
    """Return what the member :data:`ICE` says of the remote end; TS 29.571 has no place for it."""
    return {"remote": asdict(remote)}


def add_local(media: dict[str, Any], local: DcEndpoint) -> None:
    """Write the MF's own end into a MediaInfo. The setup of the answer takes the place of the offer's."""
    media["localMbEndpoint"] = endpoint_json(local.address, local.port)
    media["dcMedia"]["localDcEndpoint"] = dc_endpoint_json(local)
    media["dcMedia"]["securitySetup"] = local.setup.upper()
    media["dcMedia"]["maxMessageSize"] = size_json(local)
    if local.ice:
        told = media["dcMedia"].get(ICE, {})
        media["dcMedia"][ICE] = {**told, "local": asdict(local.ice)}


def local_of(media: dict[str, Any]) -> DcEndpoint:
    """Return the MF's end from a MediaInfo (``KeyError`` when it is not there)."""
    address, port = parse_endpoint(media["localMbEndpoint"])
    dc = media["dcMedia"]
    local = dc["localDcEndpoint"]
    return DcEndpoint(
        address=address,
        port=port,
        fingerprint=local["fingerprint"],
        setup=SETUPS[dc["securitySetup"]],
        tls_id=local.get("tlsId", ""),
        sctp_port=local["sctpPort"],
        max_message_size=dc["maxMessageSize"] * SIZE_UNIT,
        ice=_ice(dc, "local"),
    )


def _ice(dc: dict[str, Any], end: str) -> IceEnd | None:
    told = dc.get(ICE)
    found = told.get(end) if isinstance(told, dict) else None
    if not isinstance(found, dict):
        return None
    ufrag, password = found.get("ufrag"), found.get("password")
    if not isinstance(ufrag, str) or not isinstance(password, str):
        return None
    return IceEnd(ufrag, password, found.get("lite") is True)


def dc_endpoint_json(end: DcEndpoint) -> dict[str, Any]:
    """Return DcEndpoint of TS 29.571; an empty tls-id is left out."""
    value = {"sctpPort": end.sctp_port, "fingerprint": end.fingerprint}
    return {**value, "tlsId": end.tls_id} if end.tls_id else value


def endpoint_json(address: str, port: int) -> dict[str, Any]:
    """Return Endpoint of TS 29.571."""
    kind = "ipv6Addr" if ":" in address else "ipv4Addr"
    return {"ip": {kind: address}, "transport": "UDP", "portNumber": port}


def parse_endpoint(value: dict[str, Any]) -> tuple[str, int]:
    """Return address and port of an Endpoint; 400 when it is not a loopback address, where alone the lab sends."""
    ip = _object(value, "ip")
    text = str(ip.get("ipv4Addr") or ip.get("ipv6Addr") or "")
    try:
        address = ipaddress.ip_address(text)
    except ValueError as error:
        raise _wrong("ip") from error
    if not address.is_loopback:
        raise _wrong("ip (the lab sends to loopback addresses only)")
    port = _integer(value, "portNumber", 0, 65535)
    if port == 0 or value.get("transport") != "UDP":
        raise _wrong("portNumber or transport")
    return str(address), port


def _apps_url(dc: dict[str, Any], allowed_hosts: frozenset[str] | None) -> str:
    """Return the replacement URL, which may lead to the lab's own application servers only (``None``: anywhere)."""
    urls = dc.get("replaceHttpUrl", {})
    entries = list(urls.values()) if isinstance(urls, dict) else [None]
    for entry in entries:
        url = entry.get("replaceHttpUrl") if isinstance(entry, dict) else None
        try:
            parts = urlsplit(url) if isinstance(url, str) else None
            host = parts.hostname if parts else None
        except ValueError:
            parts = host = None
        if allowed_hosts is None:
            continue
        if (
            parts is None
            or parts.scheme not in {"http", "https"}
            or host not in allowed_hosts
            or parts.path in {"", "/"}
        ):
            raise _wrong("replaceHttpUrl")
    own = _url_of(dc, OWN_STREAMS)
    return own or (str(entries[0]["replaceHttpUrl"]) if entries and entries[0] else "")


def _url_of(dc: dict[str, Any], streams: tuple[int, ...]) -> str:
    """Return the replacement URL of the first of these streams that has one."""
    urls = dc.get("replaceHttpUrl", {})
    for entry in urls.values() if isinstance(urls, dict) else ():
        if isinstance(entry, dict) and entry.get("streamId") in streams:
            return str(entry.get("replaceHttpUrl", ""))
    return ""


def _streams(dc: dict[str, Any]) -> tuple[int, ...]:
    streams = _object(dc, "streams")
    found = [_integer(stream, "streamId", -1, 65535) for stream in streams.values() if isinstance(stream, dict)]
    if not found or len(found) != len(streams) or len(found) > MAX_MEDIAS * 8 or min(found) < 0:
        raise _wrong("streams")
    return tuple(found)


def size_json(end: DcEndpoint) -> int:
    """Return maxMessageSize: units of 1024 octets, 1 to 64."""
    return max(1, min(64, -(-end.max_message_size // SIZE_UNIT)))


def _list(value: object, name: str) -> list[Any]:
    found = value.get(name) if isinstance(value, dict) else None
    if not isinstance(found, list) or not found:
        raise _missing(name)
    return found


def _object(value: dict[str, Any], name: str) -> dict[str, Any]:
    found = value.get(name)
    if not isinstance(found, dict) or not found:
        raise _missing(name)
    return found


def _integer(value: dict[str, Any], name: str, default: int, highest: int) -> int:
    found = value.get(name, default)
    if isinstance(found, bool) or not isinstance(found, int) or not (found == default or 0 <= found <= highest):
        raise _wrong(name)
    return found


def _missing(name: str) -> Refused:
    return refused(400, "MANDATORY_IE_MISSING", f"{name} is missing or empty")


def _wrong(name: str) -> Refused:
    return refused(400, "MANDATORY_IE_INCORRECT", f"{name} is not right")
