"""Notifications: what a lab NF sends to a URI that somebody gave it (TS 29.500 clause 6.2, callbacks)."""

from __future__ import annotations

import asyncio
import ssl
import sys
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx

from imsproof.lab.sbi.client import TIMEOUT

if TYPE_CHECKING:
    from imsproof.lab.nodes import Nf
    from imsproof.lab.pki import Pki
    from imsproof.lab.policy import PolicyBox
    from imsproof.lab.sbi.policy import SbiPolicy

MAX_AT_ONCE = 20


class Notifier:
    """Sends notifications in the name of ``nf``, beside what it is doing; nobody waits for their answers."""

    def __init__(self, nf: Nf, pki: Pki, box: PolicyBox) -> None:
        self._nf = nf
        self._pki = pki
        self._box = box
        self._tasks: set[asyncio.Task[None]] = set()

    async def stop(self) -> None:
        """Give up what is on its way."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def notify(self, uri: str, value: object) -> None:
        """Send a notification, unless too many are on their way."""
        if len(self._tasks) < MAX_AT_ONCE:
            task = asyncio.get_running_loop().create_task(self._notify(uri, value))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _notify(self, uri: str, value: object) -> None:
        context = self._context(self._box.current.sbi)
        try:
            async with httpx.AsyncClient(
                verify=context, http1=False, http2=True, timeout=TIMEOUT, trust_env=False
            ) as client:
                await client.post(uri, json=value)
        except httpx.HTTPError as error:
            sys.stderr.write(f"{self._nf.name}: no notification to {uri}: {type(error).__name__}: {error}\n")

    def _context(self, policy: SbiPolicy) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(self._pki.ca))
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(self._pki.certificate(self._nf.name), self._pki.key(self._nf.name))
        context.check_hostname = policy.check_server_name and policy.check_server_certificate
        if not policy.check_server_certificate:
            context.verify_mode = ssl.CERT_NONE
        return context


def may_notify(uri: str) -> bool:
    """Whether a URI is one that the lab may send to: https, with a path, on this machine only."""
    try:
        parts = urlsplit(uri)
        here = parts.hostname == "localhost" or ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return False
    return parts.scheme == "https" and parts.path != "" and here
