"""The operator's way to end a registration."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from imsproof.lab.sip import removal

if TYPE_CHECKING:
    import pytest


def test_a_registration_is_ended_by_its_private_identity(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    async def remove(impi: str) -> bool:
        asked.append(impi)
        return impi == "ue@d"

    async def ask(port: int, line: str) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"{line} HTTP/1.1\r\n\r\n".encode())
        answer = await reader.readline()
        writer.close()
        return answer

    async def run() -> list[bytes]:
        monkeypatch.setattr(removal, "PORT", 0)
        node = removal.Removal("127.0.0.1", remove)
        await node.start()
        assert node.port
        lines = ("DELETE /subscribers/ue%40d/registration", "DELETE /subscribers/x/registration", "GET /subscribers/x")
        answers = [await ask(node.port, line) for line in lines]
        await node.stop()
        return answers

    assert [answer.split()[1] for answer in asyncio.run(run())] == [b"204", b"404", b"405"]
    assert asked == ["ue@d", "x"]
