"""The SCP: leads requests to the producer that ``3gpp-Sbi-Target-apiRoot`` names (TS 29.500 clause 6.10)."""

from __future__ import annotations

import re
import ssl
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx

from imsproof.lab.nodes import IMS_AS, MF, NRF, SBI_PORT, SCP
from imsproof.lab.sbi.messages import Request, Response, refused
from imsproof.lab.sbi.server import SbiServer

if TYPE_CHECKING:
    from imsproof.lab.nodes import Nf
    from imsproof.lab.pki import Pki
    from imsproof.lab.policy import PolicyBox
    from imsproof.lab.sbi.scppolicy import ScpPolicy

TARGET = "3gpp-sbi-target-apiroot"
HOPS = "3gpp-sbi-max-forward-hops"
HOPS_FORM = re.compile(r"\s*(\d{1,3})\s*(;\s*nodetype=\w+)?\s*", re.IGNORECASE)
NOT_LED_ON = frozenset({TARGET, HOPS, "host", "content-length", "connection", "te", "transfer-encoding", "via"})
TIMEOUT = 3.0
PRODUCERS = (MF, IMS_AS, NRF)


class ScpNode:
    """Leads requests on, over its own mutual TLS; tokens and assertions stay as they are."""

    def __init__(self, pki: Pki, box: PolicyBox, prefix: str) -> None:
        self._box = box
        self._prefix = prefix
        self._server = SbiServer(SCP, pki, box, self._lead)
        context = ssl.create_default_context(cafile=str(pki.ca))
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(pki.certificate(SCP.name), pki.key(SCP.name))
        self._http = httpx.AsyncClient(verify=context, http1=False, http2=True, timeout=TIMEOUT, trust_env=False)

    async def start(self) -> None:
        """Listen."""
        await self._server.start(SCP.address(self._prefix))

    async def stop(self) -> None:
        """Stop listening and close the connections to producers."""
        await self._server.stop()
        await self._http.aclose()

    async def _lead(self, request: Request) -> Response:
        policy = self._box.current.scp
        root, name = self._target(request, policy)
        headers = [(field, value) for field, value in request.headers if field not in NOT_LED_ON]
        headers += [("via", "2.0 scp"), *self._hops(request, policy)]
        query = f"?{request.query}" if request.query else ""
        try:
            answer = await self._http.request(
                request.method,
                f"{root}{request.path}{query}",
                headers=headers,
                content=request.body,
                extensions={"sni_hostname": name} if name else {},
            )
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise refused(504, "TARGET_NF_NOT_REACHABLE", f"{type(error).__name__}") from error
        kept = [(field.lower(), value) for field, value in answer.headers.items() if field.lower() not in NOT_LED_ON]
        return Response(answer.status_code, tuple(kept), answer.content)

    def _target(self, request: Request, policy: ScpPolicy) -> tuple[str, str]:
        """Return the API root to call, and the name that its certificate must have (``""`` for any in the root)."""
        given = request.header_values(TARGET)
        if not given or (len(given) > 1 and policy.single_target):
            raise refused(400, "MANDATORY_IE_INCORRECT", f"{TARGET} is needed, once")
        try:
            parts = urlsplit(given[-1])
            host, port = parts.hostname or "", parts.port or SBI_PORT
        except ValueError as error:
            raise refused(400, "MANDATORY_IE_INCORRECT", f"{TARGET} is no API root") from error
        known = next((nf for nf in PRODUCERS if self._is(nf, host)), None)
        plain = parts.scheme == "https" and not parts.username and not parts.query and parts.path in {"", "/"}
        if known is not None and port == SBI_PORT and plain:
            return known.api_root(self._prefix), known.fqdn
        if policy.known_targets or not host:
            raise refused(403, "TARGET_NF_NOT_REACHABLE", "no registered NF has this API root")
        return f"{parts.scheme or 'https'}://{host}:{port}", ""

    def _is(self, nf: Nf, host: str) -> bool:
        return host.lower() in {nf.fqdn, nf.address(self._prefix)}

    def _hops(self, request: Request, policy: ScpPolicy) -> list[tuple[str, str]]:
        given = request.header(HOPS)
        if given is None or not policy.bounded_hops:
            return []
        match = HOPS_FORM.fullmatch(given)
        if match is None:
            raise refused(400, "OPTIONAL_IE_INCORRECT", f"{HOPS} is not right")
        left = int(match[1]) - 1
        if left < 0:
            raise refused(400, "MAX_SCP_HOPS_REACHED", "the request has come over too many SCPs")
        return [(HOPS, f"{left}; nodetype=scp")]
