"""The far UE's message endpoint: what it serves, whom it refuses, and each of its faults."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from tests.lab.media.msrp.bench import OTHER, PATH, UE, Ue, box, make, offer, running

from imsproof.codec.msrp import MsrpUri
from imsproof.lab.media.errors import MediaRefusedError
from imsproof.lab.media.msrp import endpoint as module
from imsproof.lab.media.msrp.connection import MsrpConnection
from imsproof.lab.media.msrp.endpoint import MsrpEndpoint
from imsproof.lab.media.msrp.tlspipe import TlsPipe, context

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from imsproof.engine.identity import Identity

    Test = Callable[[MsrpEndpoint], Awaitable[None]]

ADDRESS = "127.0.77.90"


def run(test: Test, **msrp: Any) -> None:
    """Run a test against an endpoint with these values of the policy."""

    async def inner() -> None:
        async with running(MsrpEndpoint(ADDRESS, box(**msrp))) as endpoint:
            await test(endpoint)

    asyncio.run(inner())


def invited(endpoint: MsrpEndpoint, call: str = "call-1", identity: Identity | None = UE, **more: Any) -> str:
    """Offer a session and return the path that leads to it."""
    sdp = offer(identity, **more)
    return endpoint.answer(call, sdp, sdp.media[0]).attr("path") or ""


async def ue(identity: Identity = UE) -> Ue:
    return await Ue.connect(ADDRESS, module.PORT, identity)


def test_a_message_is_taken_and_reported_when_that_is_asked_for() -> None:
    async def test(endpoint: MsrpEndpoint) -> None:
        path, peer = invited(endpoint), await ue()
        assert await peer.ask(path) == 200
        await peer.send(make(path, Success_Report="yes").to_bytes())
        kinds = [await peer.next(), await peer.next()]
        assert sorted(one.method or str(one.status) for one in kinds if one is not None) == ["200", "REPORT"]
        assert await peer.ask(path, "SEND", "") == 200

    run(test)


@pytest.mark.parametrize(
    ("policy", "status"), [({}, 481), ({"unknown_sessions_served": True}, 200)], ids=["right", "wrong"]
)
def test_unknown_sessions(policy: dict[str, Any], status: int) -> None:
    async def test(endpoint: MsrpEndpoint) -> None:
        path, peer = invited(endpoint), await ue()
        known = MsrpUri.parse(path)
        unknown = MsrpUri(known.scheme, known.host, known.port, "nothing")
        assert await peer.ask(str(unknown)) == status

    run(test, **policy)


@pytest.mark.parametrize(
    ("policy", "identity", "status"),
    [
        ({}, OTHER, 0),
        ({"check_fingerprint": False}, OTHER, 200),
        ({"fingerprint_of_any_session": True}, OTHER, 200),
        ({}, UE, 200),
    ],
)
def test_certificates_are_held_against_the_offer(policy: dict[str, Any], identity: Identity, status: int) -> None:
    async def test(endpoint: MsrpEndpoint) -> None:
        invited(endpoint, "call-of-another", OTHER)
        path, peer = invited(endpoint), await ue(identity)
        assert await peer.ask(path) == status

    run(test, **policy)


def test_a_session_has_one_connection_and_a_connection_its_sessions() -> None:
    async def test(endpoint: MsrpEndpoint) -> None:
        first, second = invited(endpoint, "call-1"), invited(endpoint, "call-2", OTHER)
        mine, theirs = await ue(), await ue(OTHER)
        assert [await mine.ask(first), await theirs.ask(second)] == [200, 200]
        again = await ue()
        assert await again.ask(first) == 506
        assert await mine.ask(second) == 481
        shared = invited(endpoint, "call-3")
        assert await mine.ask(shared) == 200

    run(test)


def test_a_session_ends_with_its_call() -> None:
    async def test(endpoint: MsrpEndpoint) -> None:
        path, peer = invited(endpoint), await ue()
        assert await peer.ask(path) == 200
        endpoint.end("call-1")
        assert await peer.ask(path) == 0
        other = await ue()
        assert await other.ask(path) == 481

    run(test)


def test_a_session_may_outlive_its_call_by_fault() -> None:
    async def test(endpoint: MsrpEndpoint) -> None:
        path, peer = invited(endpoint), await ue()
        endpoint.end("call-1")
        assert await peer.ask(path) == 200

    run(test, outlives_call=True)


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"Message_ID": ""}, 400),
        ({"Content_Type": ""}, 400),
        ({"Content_Type": "application/unknown"}, 415),
        ({"Byte_Range": "9-1/4"}, 400),
        ({"Byte_Range": "none"}, 400),
        ({"Byte_Range": "1-4/900000"}, 413),
        ({"Byte_Range": "1-4/4"}, 200),
        ({"Byte_Range": "1-*/*"}, 200),
    ],
)
def test_wrong_fields_are_refused(fields: dict[str, str], status: int) -> None:
    async def test(endpoint: MsrpEndpoint) -> None:
        path, peer = invited(endpoint), await ue()
        assert await peer.ask(path, **fields) == status
        assert await peer.ask(path, "BURN") == 501

    run(test)


def test_who_wants_no_response_gets_none() -> None:
    async def test(endpoint: MsrpEndpoint) -> None:
        path, peer = invited(endpoint), await ue()
        for silent in (
            make(path, Failure_Report="no"),
            make(path, Failure_Report="partial"),
            make(path, "REPORT", ""),
            make("msrps://nobody:1/x;tcp", Failure_Report="no"),
        ):
            await peer.send(silent.to_bytes())
        last = make(path, "BURN", Failure_Report="partial")
        await peer.send(last.to_bytes())
        got = await peer.next()
        assert got is not None
        assert (got.transaction, got.status) == (last.transaction, 501)

    run(test)


@pytest.mark.parametrize(
    ("kind", "hostile"),
    [
        ("range", lambda path: make(path, Byte_Range="9-1/4").to_bytes()),
        ("head", lambda path: make(path, X_Huge="x" * 20_000).to_bytes()),
        ("endless", lambda path: make(path, "SEND", "x" * 600_000).to_bytes()[:-20]),
        ("responses", lambda _: b"MSRP tx99 200 OK\r\n-------tx99$\r\n" * 60),
        ("chunks", lambda path: b"".join(_begun(path, number) for number in range(80))),
    ],
)
def test_hostile_input_harms_nobody_but_by_fault(kind: str, hostile: Callable[[str], bytes]) -> None:
    async def test(endpoint: MsrpEndpoint) -> None:
        path, peer, witness_path, witness = invited(endpoint), await ue(), invited(endpoint, "call-2"), await ue()
        assert [await peer.ask(path), await witness.ask(witness_path)] == [200, 200]
        await peer.send(hostile(path))
        await peer.send(make(path).to_bytes())
        await peer.status()
        await witness.send(make(witness_path).to_bytes())
        assert await witness.status() == 200

    async def fatal(endpoint: MsrpEndpoint) -> None:
        path, peer, witness_path, witness = invited(endpoint), await ue(), invited(endpoint, "call-2"), await ue()
        assert [await peer.ask(path), await witness.ask(witness_path)] == [200, 200]
        await peer.send(hostile(path))
        async with asyncio.timeout(10):
            while not endpoint._dead:  # noqa: ASYNC110 - a dead node tells nothing
                await asyncio.sleep(0)
        await witness.send(make(witness_path).to_bytes())
        await endpoint.reset()
        assert await witness.status() == 0

    run(test)
    run(fatal, dies_of=(kind,))


def _begun(path: str, number: int) -> bytes:
    return make(path, Message_ID=f"m{number}", Byte_Range="1-4/9").to_bytes().replace(b"$\r\n", b"+\r\n")


def test_offers_that_cannot_be_protected_are_refused() -> None:
    async def test(endpoint: MsrpEndpoint) -> None:
        for wrong in (offer(None), offer(path="nothing")):
            with pytest.raises(MediaRefusedError):
                endpoint.answer("call-1", wrong, wrong.media[0])
        weak = offer(None)
        weak.media[0].add_attr("fingerprint", "MD5 " + ":".join(["AA"] * 16))
        with pytest.raises(MediaRefusedError):
            endpoint.answer("call-1", weak, weak.media[0])

    run(test)


def test_a_plain_session_is_served_at_the_plain_port_alone() -> None:
    async def test(endpoint: MsrpEndpoint) -> None:
        plain, protected = invited(endpoint, proto="TCP/MSRP"), invited(endpoint, "call-2")
        assert plain.startswith("msrp:")
        peer = await Ue.connect(ADDRESS, module.PLAIN_PORT, None)
        assert await peer.ask(plain) == 200
        assert await peer.ask(protected) == 481
        bare = await Ue.connect(ADDRESS, module.PORT, None)
        assert await bare.ask(protected) == 0

    run(test)


@pytest.mark.parametrize("policy", ["short", "counter", "clock", "random"])
def test_session_ids_by_policy(policy: str) -> None:
    async def test(endpoint: MsrpEndpoint) -> None:
        ids = {MsrpUri.parse(invited(endpoint, f"call-{number}")).session for number in range(3)}
        assert len(ids) == 3
        assert ({len(one) for one in ids} == {20}) is (policy == "random")

    run(test, session_ids=policy)


def test_old_sessions_make_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_SESSIONS", 2)

    async def test(endpoint: MsrpEndpoint) -> None:
        paths = [invited(endpoint, f"call-{number}") for number in range(3)]
        peer = await ue()
        assert [await peer.ask(path) for path in paths] == [481, 200, 200]

    run(test)


async def visitor(endpoint: MsrpEndpoint, setup_identity: Identity, shown: Identity) -> str:
    """Listen, be offered, and say what the endpoint said first, or that it said nothing."""
    loop = asyncio.get_running_loop()
    said: asyncio.Future[str] = loop.create_future()

    class Door:
        """The tester's side of a connection that the endpoint opened."""

        policy = box().current.msrp

        def pipe(self, *, server: bool) -> Any:
            return TlsPipe(context(self.policy, shown), server=server)

        def secured(self, connection: Any) -> None:
            del connection

        def received(self, connection: Any, message: Any) -> None:
            del connection
            if not said.done():
                said.set_result(message.method)

        def overrun(self, connection: Any, reason: str) -> None:
            del connection, reason

        def lost(self, connection: Any) -> None:
            del connection
            if not said.done():
                said.set_result("")

    server = await loop.create_server(lambda: MsrpConnection(Door()), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    path = PATH.replace(":9/", f":{port}/")
    invited(endpoint, identity=setup_identity, setup="passive", path=path, port=port)
    async with asyncio.timeout(10):
        found = await said
    server.close()
    return found


def test_as_a_client_it_speaks_to_the_announced_certificate_alone() -> None:
    async def right(endpoint: MsrpEndpoint) -> None:
        assert await visitor(endpoint, UE, UE) == "SEND"
        assert await visitor(endpoint, UE, OTHER) == ""

    async def wrong(endpoint: MsrpEndpoint) -> None:
        assert await visitor(endpoint, UE, OTHER) == "SEND"

    run(right)
    run(wrong, check_fingerprint_as_client=False)


def test_faults_lead_it_anywhere() -> None:
    async def led(policy: dict[str, Any], **fields: str) -> bool:
        came = asyncio.Event()

        async def arrived(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            came.set()
            writer.close()

        trap = await asyncio.start_server(arrived, "127.0.0.1", 0)
        elsewhere = f"msrp://127.0.0.1:{trap.sockets[0].getsockname()[1]}/x;tcp"
        async with running(MsrpEndpoint(ADDRESS, box(**policy))) as endpoint:
            path, peer = invited(endpoint), await ue()
            assert await peer.ask(path) == 200
            message = make(path, Success_Report="yes")
            if fields:
                message = message.having("To-Path", f"{path} {elsewhere}")
            else:
                message = message.having("From-Path", elsewhere)
            await peer.send(message.to_bytes())
            await peer.status()
            if policy:
                async with asyncio.timeout(10):
                    await came.wait()
        trap.close()
        return came.is_set()

    assert asyncio.run(led({"reports_anywhere": True}))
    assert asyncio.run(led({"relays_onward": True}, onward="yes"))
    assert not asyncio.run(led({}))
    assert not asyncio.run(led({}, onward="yes"))
