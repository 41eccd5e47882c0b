"""A bench over a profile of few subscribers, with nobody at the other end."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from imsproof import catalogue
from imsproof.bench import Bench
from imsproof.profile import loads

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from imsproof.link.session import Link

    MakeBench = Callable[..., AbstractContextManager[Bench]]

HEAD = "name: x\nscope: {networks: [127.0.0.0/8], authorised_by: me, until: 2099-01-01}\n"
KEYS = "k: '00000000000000000000000000000000', opc: '00000000000000000000000000000000'"


def subscriber(name: str, more: str) -> str:
    return f"{{name: {name}, impi: {name}@d, impus: ['sip:{name}@d'], {more}}}"


def gm(*subscribers: str) -> str:
    return f"gm: {{domain: d, udp: '127.0.0.1:9', subscribers: [{', '.join(subscribers)}]}}\n"


TWO = gm(subscriber("aka", KEYS), subscriber("digest", "password: secret, data_channel: true"))
MIXED = gm(
    subscriber("odd", "password: secret, algorithm: MD5"),
    *(subscriber(name, "password: secret, algorithm: SHA-256") for name in ("one", "two")),
)


@pytest.fixture
def make_bench(link: Link, tmp_path: Path) -> MakeBench:
    """Open a bench over a profile: ``two`` or ``mixed`` subscribers, and what is written besides."""

    @contextmanager
    def made(kind: str = "two", more: str = "", seed: int = 1) -> Iterator[Bench]:
        text = HEAD + {"two": TWO, "mixed": MIXED, "": ""}[kind] + more
        bench = Bench(loads(text, source="x", base=tmp_path), catalogue.load().get("GM-AKA-02"), link, tmp_path, seed)
        bench.open()
        try:
            yield bench
        finally:
            bench.close()

    return made
