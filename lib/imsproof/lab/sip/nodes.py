"""All SIP nodes of the lab together."""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING

from imsproof.lab.sip.bindings import Binding
from imsproof.lab.sip.border import Border
from imsproof.lab.sip.farue import FarUe
from imsproof.lab.sip.hiding import Hider, Replaced, Sealed
from imsproof.lab.sip.imsas import ImsAs
from imsproof.lab.sip.node import SIP_PORT, Node
from imsproof.lab.sip.pcscf import Pcscf
from imsproof.lab.sip.scscf import FOREVER, ORIGINATING, Scscf, route_uri
from imsproof.lab.sip.subscribers import FAR_UE
from imsproof.lab.sip.transport import Flow

if TYPE_CHECKING:
    from pathlib import Path

    from imsproof.lab.media.msrp.gateway import MessageGateway
    from imsproof.lab.policy import PolicyBox
    from imsproof.lab.sip.gateway import AccessGateway
    from imsproof.lab.sip.imsas import Control

PCSCF_HOST, SCSCF_HOST, IMSAS_HOST, FAR_UE_HOST = 10, 20, 30, 90
BORDERS = (("I-CSCF", 15, "far-a.example"), ("IBCF", 16, "far-b.example"), ("IBCF of constants", 17, "far-c.example"))
"""Border nodes: name, host octet, and the far network's domain; the tester is the far network, at host + 100."""


class SipNodes:
    """P-CSCF, S-CSCF, IMS AS and far UE, each at its own address under ``prefix``.

    Args:
        prefix: first three octets, e.g. ``127.31.5``.
        box: the lab's policy.
        pki_dir: where ``pcscf.pem`` and ``pcscf.key`` lie; without them there is no TLS on Gm.
        control: the IMS AS towards DCSF and MF.
        agw: the IMS-AGW, ``None`` for a network without one.
        messages: its part for message sessions.
    """

    def __init__(
        self,
        prefix: str,
        box: PolicyBox,
        pki_dir: Path | None,
        control: Control,
        agw: AccessGateway | None,
        messages: MessageGateway | None = None,
    ) -> None:
        hosts = {host: f"{prefix}.{host}" for host in (PCSCF_HOST, SCSCF_HOST, IMSAS_HOST, FAR_UE_HOST)}
        pcscf, scscf, imsas, far = ((address, SIP_PORT) for address in hosts.values())
        service_route = (route_uri(scscf, ORIGINATING),)
        contact = f"sip:{FAR_UE.name}@{far[0]}:{far[1]}"
        static = Binding(contact, Flow("udp", far), FAR_UE.impus, service_route, time.monotonic() + FOREVER)
        tls = pki_dir if pki_dir is not None and (pki_dir / "pcscf.pem").exists() else None
        self.pcscf = Pcscf(pcscf[0], box, scscf=scscf, agw=agw, messages=messages, tls=tls, static=(static,))
        at = {domain: (f"{prefix}.{host}", SIP_PORT) for _, host, domain in BORDERS}
        self.scscf = Scscf(scscf[0], box, pcscf=pcscf, imsas=imsas, far_ue=far, borders=at)
        sealed = Sealed(secrets.token_bytes(16))
        hiders: tuple[Hider, ...] = (sealed, sealed, Replaced())
        self.borders = tuple(
            Border(name, f"{prefix}.{host}", box, scscf=scscf, far=(f"{prefix}.{host + 100}", SIP_PORT), hider=hider)
            for (name, host, _), hider in zip(BORDERS, hiders, strict=True)
        )
        self.imsas = ImsAs(imsas[0], box, scscf=scscf, control=control)
        self.scscf.on_deregistered = self.imsas.deregistered
        self.far_ue = FarUe(far[0], box, pcscf=pcscf)

    @property
    def _nodes(self) -> tuple[Node, ...]:
        return self.pcscf, self.scscf, self.imsas, self.far_ue, *self.borders

    async def start(self) -> None:
        """Open every socket (``OSError`` when one cannot be had; those that were opened are closed again)."""
        try:
            for node in self._nodes:
                await node.start()
        except OSError:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Close every socket."""
        for node in self._nodes:
            await node.stop()

    async def reset(self) -> None:
        """Forget registrations, calls and transactions, and revive a node that had died."""
        for node in self._nodes:
            await node.reset()
