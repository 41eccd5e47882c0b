"""A PEM file that does not hold what it should is named before anything is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.profile.pems import pem

from imsproof.profile import ProfileError, loads

if TYPE_CHECKING:
    from pathlib import Path

PROFILE = """name: x
scope: {networks: [127.0.0.0/8], authorised_by: me, until: 2099-01-01}
sbi:
  consumers:
    - name: a
      certificate: cert.pem
      key: key.pem
"""


def problems(folder: Path, certificate: str, key: str) -> str:
    (folder / "cert.pem").write_text(certificate)
    (folder / "key.pem").write_text(key)
    with pytest.raises(ProfileError) as raised:
        loads(PROFILE, source="lab.yaml", base=folder)
    return str(raised.value)


def test_a_certificate_that_cannot_be_read(tmp_path: Path) -> None:
    told = problems(tmp_path, "nothing", pem())
    assert "sbi.consumers[0].certificate" in told
    assert "cert.pem" in told


def test_a_key_that_cannot_be_read(tmp_path: Path) -> None:
    assert "sbi.consumers[0].key" in problems(tmp_path, pem(), "nothing")


def test_the_key_of_another_certificate(tmp_path: Path) -> None:
    assert "is not that of the first certificate" in problems(tmp_path, pem(), pem())


def test_a_pair_that_fits_is_left_alone(tmp_path: Path) -> None:
    both = pem()
    (tmp_path / "cert.pem").write_text(both)
    (tmp_path / "key.pem").write_text(both)
    assert loads(PROFILE, source="lab.yaml", base=tmp_path).sbi


def test_another_of_ones_files_is_named_by_what_it_holds(tmp_path: Path) -> None:
    told = problems(tmp_path, "-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n", pem())
    assert "it holds: EC PRIVATE KEY" in told
