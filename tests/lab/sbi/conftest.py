"""The SBI nodes of the lab in this process, on a loop of their own, with a media plane that only keeps count."""

from __future__ import annotations

import asyncio
import ssl
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from imsproof.codec import jose
from imsproof.lab import launch, nodes
from imsproof.lab.dctypes import DcEndpoint, DcOffer
from imsproof.lab.faults import policy_with
from imsproof.lab.media.errors import MediaRefusedError
from imsproof.lab.pki import Pki, make_pki
from imsproof.lab.policy import PolicyBox
from imsproof.lab.sbi.dcsf import DcsfNode
from imsproof.lab.sbi.imsas import ImsAsControl
from imsproof.lab.sbi.mf import MfNode
from imsproof.lab.sbi.nrf import NrfNode

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator, Mapping
    from pathlib import Path

T = TypeVar("T")
FINGERPRINT = "SHA-256 " + ":".join(["4A"] * 32)
OWN_FINGERPRINT = "SHA-256 " + ":".join(["AB"] * 32)


@dataclass
class CountingMedia:
    """Stands for the MF's media side: hands out ends, remembers what it was told."""

    address: str
    held: dict[str, tuple[DcOffer, str, str]] = field(default_factory=dict)
    refuse: str = ""

    async def allocate(self, context_id: str, remote: DcOffer, subscriber: str, apps_url: str) -> DcEndpoint:
        if self.refuse:
            raise MediaRefusedError(self.refuse)
        self.held[context_id] = (remote, subscriber, apps_url)
        return self._own()

    async def update(self, context_id: str, remote: DcOffer) -> DcEndpoint:
        if self.refuse:
            raise MediaRefusedError(self.refuse)
        self.held[context_id] = (remote, *self.held[context_id][1:])
        return self._own()

    async def release(self, context_id: str) -> None:
        self.held.pop(context_id, None)

    def _own(self) -> DcEndpoint:
        return DcEndpoint(self.address, 5000, OWN_FINGERPRINT, "passive", "f" * 32, 5000, 65536)


class SbiLab:
    """The running nodes, and how tests reach them."""

    def __init__(self, prefix: str, directory: Path) -> None:
        self.prefix = prefix
        self.pki: Pki = make_pki(directory / "pki")
        self.box = PolicyBox()
        self.media = CountingMedia(f"{prefix}.50")
        self.served = {"sip:alice@ims.example"}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.run(self._make())

    async def _make(self) -> None:
        self.nrf = NrfNode(self.pki, self.box, self.prefix)
        self.mf = MfNode(self.pki, self.box, self.prefix, self.media)
        self.dcsf = DcsfNode(
            self.pki,
            self.box,
            self.prefix,
            may_use=lambda identity: identity in self.served,
            may_use_app=lambda _, app: app == "whiteboard",
            apps_url=lambda identity: f"https://{self.prefix}.60:8080/apps/{identity}/",
        )
        self.imsas = ImsAsControl(self.pki, self.box, self.prefix)
        for node in (self.nrf, self.mf, self.dcsf, self.imsas):
            await node.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the nodes' loop and wait for it."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    def close(self) -> None:
        for node in (self.imsas, self.dcsf, self.mf, self.nrf):
            self.run(node.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    def fresh(self) -> None:
        """Bring everything back to the conformant, empty lab."""
        self.box.current = policy_with([])
        self.media.refuse = ""
        self.imsas.reset()
        self.dcsf.reset()
        self.nrf.reset()
        self.run(self.mf.reset())

    def fault(self, *names: str) -> None:
        self.box.current = policy_with(names)

    # --- a client -----------------------------------------------------------------------------------------------

    def context(self, identity: str | None, **settings: Any) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(self.pki.ca))
        context.set_alpn_protocols(["h2"])
        for name, value in settings.items():
            if name == "ciphers":
                context.set_ciphers(value)
            else:
                setattr(context, name, value)
        if identity:
            context.load_cert_chain(self.pki.certificate(identity), self.pki.key(identity))
        return context

    def request(
        self,
        nf: nodes.Nf,
        method: str,
        path: str,
        *,
        identity: str | None = "tester-as",
        headers: Mapping[str, str] | list[tuple[str, str]] | None = None,
        settings: Mapping[str, Any] | None = None,
        **body: Any,
    ) -> httpx.Response:
        """Send one request on a connection of its own."""
        with httpx.Client(
            verify=self.context(identity, **(settings or {})), http1=False, http2=True, timeout=5, trust_env=False
        ) as client:
            return client.request(
                method,
                nf.api_root(self.prefix) + path,
                headers=headers,
                extensions={"sni_hostname": nf.fqdn},
                **body,
            )

    # --- tokens -------------------------------------------------------------------------------------------------

    @property
    def signing_key(self) -> ec.EllipticCurvePrivateKey:
        key = load_pem_private_key(self.pki.token_key.read_bytes(), None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        return key

    def claims(self, **changes: Any) -> dict[str, Any]:
        now = int(time.time())
        claims = {
            "iss": nodes.NRF.instance_id,
            "sub": nodes.TESTER_AS.instance_id,
            "aud": "MF",
            "scope": "nmf-mrm",
            "iat": now,
            "exp": now + 300,
        }
        return {name: value for name, value in {**claims, **changes}.items() if value is not None}

    def token(self, **changes: Any) -> str:
        return jose.encode({"alg": "ES256"}, self.claims(**changes), jose.signer("ES256", self.signing_key))

    def bearer(self, **changes: Any) -> dict[str, str]:
        return {"authorization": f"Bearer {self.token(**changes)}"}

    # --- nmf-mrm ------------------------------------------------------------------------------------------------

    def media_context(self, **dc: Any) -> dict[str, Any]:
        media = {
            "mediaId": "dc",
            "mediaResourceType": "DC",
            "remoteMbEndpoint": {"ip": {"ipv4Addr": "127.0.0.1"}, "transport": "UDP", "portNumber": 4000},
            "dcMedia": {
                "streams": {"0": {"streamId": 0}},
                "remoteDcEndpoint": {"sctpPort": 5000, "fingerprint": FINGERPRINT, "tlsId": "abc3de65cddef001be82"},
                "securitySetup": "ACTPASS",
                **dc,
            },
        }
        return {"terminations": [{"medias": [media]}]}

    def create(self, **request: Any) -> httpx.Response:
        """Ask the MF for a media context, rightly unless told otherwise."""
        request.setdefault("headers", self.bearer())
        if not {"json", "content"} & request.keys():
            request["json"] = self.media_context()
        return self.request(nodes.MF, "POST", "/nmf-mrm/v1/contexts", **request)


@pytest.fixture(scope="session")
def running_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SbiLab]:
    prefix, lock = launch._free_prefix()
    lab = SbiLab(prefix, tmp_path_factory.mktemp("sbi"))
    yield lab
    lab.close()
    lock.close()


@pytest.fixture
def lab(running_lab: SbiLab) -> Iterator[SbiLab]:
    """The SBI nodes, conformant and empty at the start of each test."""
    running_lab.fresh()
    yield running_lab
    running_lab.fresh()
