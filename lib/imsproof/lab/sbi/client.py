"""What a lab NF uses to call another: HTTP/2 over mutual TLS, with access tokens from the NRF."""

from __future__ import annotations

import json
import ssl
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import httpx

from imsproof.lab.nodes import NRF, Nf
from imsproof.lab.sbi.cca import HEADER, make_assertion
from imsproof.lab.sbi.messages import FORM, JSON

if TYPE_CHECKING:
    from imsproof.lab.pki import Pki

TIMEOUT = 3.0
"""Seconds for one call."""
RENEW_BEFORE = 30.0


class CallError(Exception):
    """Another NF did not do what was asked of it; the text says what it answered."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, headers and JSON body of an answer (``None`` when there is none)."""

    status: int
    location: str
    value: Any


class NfClient:
    """Calls other NFs in the name of ``nf``."""

    def __init__(self, nf: Nf, pki: Pki, prefix: str) -> None:
        self._nf = nf
        self._pki = pki
        self._prefix = prefix
        context = ssl.create_default_context(cafile=str(pki.ca))
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(pki.certificate(nf.name), pki.key(nf.name))
        self._http = httpx.AsyncClient(verify=context, http1=False, http2=True, timeout=TIMEOUT, trust_env=False)
        self._tokens: dict[tuple[str, str], tuple[str, float]] = {}

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    def forget(self) -> None:
        """Forget the tokens."""
        self._tokens.clear()

    async def call(
        self,
        producer: Nf,
        method: str,
        path: str,
        value: object = None,
        *,
        scope: str = "",
        content_type: str = JSON,
        assertion: bool = False,
    ) -> Answer:
        """Call ``producer``; with a ``scope``, get and send an access token; with ``assertion``, vouch for itself.

        Raises:
            CallError: no connection, no token, or an answer that is no success.
        """
        headers = {"authorization": f"Bearer {await self._token(producer, scope)}"} if scope else {}
        if value is not None:
            headers["content-type"] = content_type
        if assertion:
            headers[HEADER] = make_assertion(self._nf, self._pki, producer.nf_type)
        return await self._send(producer, method, path, headers, json_bytes(value))

    async def _token(self, producer: Nf, scope: str) -> str:
        token, until = self._tokens.get((producer.nf_type, scope), ("", 0.0))
        if time.monotonic() < until:
            return token
        form = {
            "grant_type": "client_credentials",
            "nfInstanceId": self._nf.instance_id,
            "nfType": self._nf.nf_type,
            "targetNfType": producer.nf_type,
            "scope": scope,
        }
        answer = await self._send(NRF, "POST", "/oauth2/token", {"content-type": FORM}, urlencode(form).encode())
        token = str(answer.value["access_token"])
        self._tokens[producer.nf_type, scope] = (token, time.monotonic() + answer.value["expires_in"] - RENEW_BEFORE)
        return token

    async def _send(self, to: Nf, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        try:
            response = await self._http.request(
                method,
                to.api_root(self._prefix) + path,
                headers=headers,
                content=body,
                extensions={"sni_hostname": to.fqdn},
            )
        except httpx.HTTPError as error:
            raise CallError(f"{to.name}: {type(error).__name__}: {error}") from error
        if not response.is_success:
            raise CallError(f"{to.name}: {method} {path}: {response.status_code} {response.text[:200]}")
        value = response.json() if response.content else None
        return Answer(response.status_code, response.headers.get("location", ""), value)


def json_bytes(value: object) -> bytes:
    """Return compact JSON, nothing for ``None``."""
    return b"" if value is None else json.dumps(value, separators=(",", ":")).encode()
