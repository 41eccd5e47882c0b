"""HTTP over the bootstrap channel: what is forwarded, and what is refused at the MF."""

from __future__ import annotations

from tests.lab.media.support import Bench, ask, get, run


def test_another_subscribers_application_cannot_be_guessed() -> None:
    async def test(lab: Bench) -> None:
        ue, local = await lab.peer()
        await ue.handshake(local)
        channel = (await ue.associate()).open_channel(0, negotiated=True)
        assert (await get(channel, "/packages/games.zip"))[0] == 404
        for path in ("/../bob/", "/%2e%2e/x", "//127.0.0.1/", "http://127.0.0.1/", "/a\\b", "/..", "/a/../b", "/%00"):
            assert (await get(channel, path))[0] == 400
        assert (await get(channel))[0] == 200

    run(test)


def test_every_application_is_served_when_the_dc_as_does_not_check() -> None:
    async def test(lab: Bench) -> None:
        ue, local = await lab.peer()
        await ue.handshake(local)
        channel = (await ue.associate()).open_channel(0, negotiated=True)
        assert (await get(channel, "/packages/games.zip"))[0] == 200

    run(test, apps_checked=False)


def test_smuggled_and_oversized_requests_are_refused_and_the_channel_lives() -> None:
    async def test(lab: Bench) -> None:
        ue, local = await lab.peer()
        await ue.handshake(local)
        channel = (await ue.associate()).open_channel(0, negotiated=True)
        host = "Host: x\r\n"
        assert (await ask(channel, f"GET / HTTP/1.1\r\n{host}Content-Length: 1\r\nContent-Length: 2\r\n\r\n"))[0] == 400
        assert (await ask(channel, f"GET / HTTP/1.1\r\n{host}Transfer-Encoding: chunked\r\n\r\n"))[0] == 501
        assert (await ask(channel, f"GET / HTTP/1.1\r\n{host}X: {'a' * 20_000}\r\n\r\n"))[0] == 431
        assert (await ask(channel, f"POST / HTTP/1.1\r\n{host}\r\n"))[0] == 405
        assert (await get(channel))[0] == 200

    run(test)


def test_an_application_server_that_does_not_answer_is_a_502() -> None:
    async def test(lab: Bench) -> None:
        await lab.dcas.stop()
        ue, local = await lab.peer()
        await ue.handshake(local)
        channel = (await ue.associate()).open_channel(0, negotiated=True)
        status, body = await get(channel)
        assert status == 502
        assert b"does not answer" in body

    run(test)


def test_answers_are_cut_to_the_peers_largest_message() -> None:
    async def test(lab: Bench) -> None:
        ue, local = await lab.peer(max_message_size=64)
        await ue.handshake(local)
        engine = await ue.associate()
        sizes: list[int] = []
        engine.observe(received=lambda message: sizes.append(len(message[2])), sent=lambda _: None)
        assert (await get(engine.open_channel(0, negotiated=True)))[0] == 200
        assert max(sizes) == 64

    run(test)
