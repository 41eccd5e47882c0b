"""What the tests of the profile share: a profile that loads, to be changed."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Protocol

import pytest

from imsproof.profile import Profile, ProfileError, loads

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

MINIMAL = """\
name: lab
scope:
  networks: [192.0.2.0/24, "2001:db8::/64"]
  authorised_by: Jane Roe
  until: 2030-12-31
"""


class Make(Protocol):
    def __call__(self, more: str = "", *, env: Mapping[str, str] | None = None) -> Profile: ...


class Problems(Protocol):
    def __call__(
        self, more: str = "", *, env: Mapping[str, str] | None = None, whole: str | None = None
    ) -> list[str]: ...


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Load the minimal profile with more text after it; files are looked for in ``tmp_path``."""

    def build(more: str = "", *, env: Mapping[str, str] | None = None) -> Profile:
        return loads(MINIMAL + more, source="lab.yaml", base=tmp_path, env=env or {}, today=date(2026, 1, 1))

    return build


@pytest.fixture
def problems(tmp_path: Path) -> Problems:
    """Load likewise, and return the problems as users read them."""

    def find(more: str = "", *, env: Mapping[str, str] | None = None, whole: str | None = None) -> list[str]:
        text = MINIMAL + more if whole is None else whole
        with pytest.raises(ProfileError) as caught:
            loads(text, source="lab.yaml", base=tmp_path, env=env or {}, today=date(2026, 1, 1))
        return [str(problem) for problem in caught.value.problems]

    return find
