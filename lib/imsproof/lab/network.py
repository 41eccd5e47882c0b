"""The whole reference network in one process: every node at its own loopback address."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Any

from imsproof.lab.faults import policy_with
from imsproof.lab.kms.node import KeyManagementService
from imsproof.lab.media.agw import AccessGateway
from imsproof.lab.media.dcas import DcApplicationServer
from imsproof.lab.media.leg import TappedLeg
from imsproof.lab.media.mdc import make_trust
from imsproof.lab.media.mf import MediaFunction
from imsproof.lab.media.msrp.gateway import MessageGateway
from imsproof.lab.pki import make_pki
from imsproof.lab.policy import PolicyBox
from imsproof.lab.sbi.dcsf import DcsfNode
from imsproof.lab.sbi.imsas import ImsAsControl
from imsproof.lab.sbi.mf import MfNode
from imsproof.lab.sbi.nrf import NrfNode
from imsproof.lab.sbi.scp import ScpNode
from imsproof.lab.sip.nodes import SipNodes
from imsproof.lab.sip.removal import Removal
from imsproof.lab.sip.subscribers import SUBSCRIBERS, by_impu

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

HSS_HOST, MF_HOST, DCAS_HOST, AGW_HOST, KMS_HOST = 25, 50, 60, 80, 85
DCAS_PORT = 8080
ALL_APPS = tuple(sorted({app for subscriber in SUBSCRIBERS for app in subscriber.apps}))


class Network:
    """Starts, resets and stops all nodes.

    Args:
        prefix: first three octets of the nodes' addresses, e.g. ``127.31.5``.
        directory: where the PKI is written (``pki/``), and ``lab.pid``.
        faults: names of the faults that are planted from the start.
    """

    def __init__(self, prefix: str, directory: Path, faults: Iterable[str] = ()) -> None:
        self.prefix = prefix
        self.box = PolicyBox(policy_with(faults))
        self.faults = tuple(faults)
        self.stopped = asyncio.Event()
        self.pki = make_pki(directory / "pki")
        (directory / "lab.pid").write_text(f"{os.getpid()}\n", encoding="ascii")
        self.nrf = NrfNode(self.pki, self.box, prefix)
        mdc = make_trust()
        address = f"{prefix}.{DCAS_HOST}"
        protected, plain = (
            DcApplicationServer(address, self.box, apps_of=apps_of, all_apps=ALL_APPS, tls=tls)
            for tls in (mdc.dcas, None)
        )
        self.leg = TappedLeg(
            (address, DCAS_PORT), self.box, protected=protected, plain=plain, capture=directory / "mdc.pcap"
        )
        self.media = MediaFunction(f"{prefix}.{MF_HOST}", self.box, mdc=mdc.mf)
        self.mf = MfNode(self.pki, self.box, prefix, self.media)
        self.dcsf = DcsfNode(
            self.pki,
            self.box,
            prefix,
            may_use=self._may_use,
            may_use_app=self._may_use_app,
            apps_url=self.leg.url,
        )
        self.imsas = ImsAsControl(self.pki, self.box, prefix)
        self.scp = ScpNode(self.pki, self.box, prefix)
        self.agw = AccessGateway(f"{prefix}.{AGW_HOST}", self.box)
        self.removal = Removal(f"{prefix}.{HSS_HOST}", self._remove)
        messages = MessageGateway(f"{prefix}.{AGW_HOST}", self.box)
        self.kms = KeyManagementService(f"{prefix}.{KMS_HOST}", self.box, self.pki)
        self.sip = SipNodes(prefix, self.box, self.pki.directory, self.imsas, self.agw, messages)

    async def _remove(self, impi: str) -> bool:
        return await self.sip.scscf.remove(impi)

    def _may_use(self, identity: str) -> bool:
        return not self.box.current.sip.check_data_channel_service or may_use_data_channels(identity)

    def _may_use_app(self, identity: str, app: str) -> bool:
        return not self.box.current.sip.check_data_channel_service or app in apps_of(identity)

    async def start(self) -> None:
        """Start every node (``OSError`` when an address or port is taken)."""
        for node in (self.nrf, self.scp, self.leg, self.mf, self.dcsf, self.imsas, self.kms, self.sip, self.removal):
            await node.start()

    async def stop(self) -> None:
        """Stop every node."""
        for node in (self.removal, self.sip, self.kms, self.imsas, self.dcsf, self.mf, self.leg, self.scp, self.nrf):
            await node.stop()
        await self.agw.reset()

    async def reset(self) -> None:
        """Forget all registrations, calls, media contexts and tokens."""
        await self.sip.reset()
        await self.agw.reset()
        self.leg.reset()
        self.imsas.reset()
        self.dcsf.reset()
        await self.mf.reset()
        await self.media.reset()
        self.nrf.reset()
        self.kms.reset()

    async def operate(self, request: dict[str, Any]) -> dict[str, Any]:
        """Do what the control channel asks (``ValueError`` for what it cannot)."""
        match request.get("op"):
            case "faults":
                names = request.get("names")
                if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
                    raise ValueError("names is a list of fault names")
                self.box.current = policy_with(names)
                self.faults = tuple(names)
            case "reset":
                await self.reset()
            case "state":
                pass
            case "stop":
                self.stopped.set()
            case other:
                raise ValueError(f"no such op: {other!r}; known: faults, reset, state, stop")
        return self.state()

    def state(self) -> dict[str, Any]:
        """Return what the lab holds at the moment."""
        return {
            "prefix": self.prefix,
            "faults": list(self.faults),
            "contexts": self.mf.contexts,
            "sessions": self.imsas.sessions,
            "profiles": self.nrf.profiles,
        }


def apps_of(identity: str) -> tuple[str, ...]:
    """Return the applications that a public identity may use; none for who is unknown."""
    subscriber = by_impu(identity)
    return subscriber.apps if subscriber else ()


def may_use_data_channels(identity: str) -> bool:
    """Tell whether a public identity has the data-channel service."""
    subscriber = by_impu(identity)
    return subscriber is not None and subscriber.data_channel
