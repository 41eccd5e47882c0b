"""What a lab NF does to call another: a token when it needs one, kept while it lasts, and clear errors."""

from __future__ import annotations

from typing import Any

import pytest

from imsproof.lab import nodes
from imsproof.lab.sbi.client import CallError, NfClient


def test_a_call_gets_a_token_once(lab: Any) -> None:
    async def scenario() -> tuple[int, int, str]:
        client = NfClient(nodes.TESTER_AS, lab.pki, lab.prefix)
        first = await client.call(nodes.MF, "POST", "/nmf-mrm/v1/contexts", lab.media_context(), scope="nmf-mrm")
        tokens = dict(client._tokens)
        second = await client.call(nodes.MF, "POST", "/nmf-mrm/v1/contexts", lab.media_context(), scope="nmf-mrm")
        assert client._tokens == tokens
        client.forget()
        assert client._tokens == {}
        await client.close()
        return first.status, second.status, first.location

    first, second, location = lab.run(scenario())
    assert (first, second) == (201, 201)
    assert location.startswith(nodes.MF.api_root(lab.prefix))


def test_a_refusal_is_an_error_that_says_who_and_what(lab: Any) -> None:
    async def scenario() -> None:
        client = NfClient(nodes.TESTER_DCSF, lab.pki, lab.prefix)
        try:
            await client.call(nodes.MF, "POST", "/nmf-mrm/v1/contexts", {}, scope="nmf-mrm")
        finally:
            await client.close()

    with pytest.raises(CallError, match=r"nrf: POST /oauth2/token: 400 .*unauthorized_client"):
        lab.run(scenario())


def test_nobody_there_is_an_error(lab: Any) -> None:
    async def scenario() -> None:
        client = NfClient(nodes.TESTER_AS, lab.pki, lab.prefix)
        try:
            await client.call(nodes.Nf("gone", "MF", "x", 251), "GET", "/")
        finally:
            await client.close()

    with pytest.raises(CallError, match="gone: ConnectError"):
        lab.run(scenario())
