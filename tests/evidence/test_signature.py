"""A signed bundle holds together to the last byte; an unfinished run is signed as such; nothing unsound is signed."""

from __future__ import annotations

import json
import shutil
import subprocess
import zipfile
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from tests.evidence import runs

from imsproof.evidence.archive import Archive
from imsproof.evidence.bundle import write_bundle
from imsproof.evidence.run import RunFolder
from imsproof.evidence.signature import NAMESPACE, SIGNATURE, Signer, check, sign_bundle, signers
from imsproof.evidence.verify import verify
from imsproof.seams import HarnessError

if TYPE_CHECKING:
    from pathlib import Path

WHEN = "2026-01-01T00:00:00Z"


@pytest.fixture
def key(tmp_path: Path) -> Path:
    """A key as ssh-keygen makes one, its public half beside it."""
    made = ed25519.Ed25519PrivateKey.generate()
    (tmp_path / "key").write_bytes(made.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))
    (tmp_path / "key").chmod(0o600)
    (tmp_path / "key.pub").write_bytes(made.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH))
    return tmp_path / "key"


@pytest.fixture
def bundle(tmp_path: Path, key: Path) -> Path:
    """The bundle of a small run, signed."""
    path = write_bundle(runs.make(tmp_path / "run").path)
    sign_bundle(path, Signer(key), when=WHEN, version="0.1.0")
    return path


def trusted(key: Path) -> set[bytes]:
    """The keys that are trusted."""
    return signers(key.with_suffix(".pub").read_text())


def test_a_signed_bundle_is_sound_and_says_whose_it_is(bundle: Path, key: Path) -> None:
    report = verify(bundle, {runs.REFUSED: False}, trusted=trusted(key))
    assert report.findings == []
    assert report.signed is not None
    assert (report.signed.when, report.signed.finished) == (WHEN, True)
    sign_bundle(bundle, Signer(key), when="2026-02-02T00:00:00Z", version="0.1.0")
    assert verify(bundle, trusted=trusted(key)).findings == []


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="ssh-keygen is not installed")
def test_openssh_alone_can_check_it(bundle: Path, key: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(bundle) as file:
        manifest = file.read("manifest.json")
        (tmp_path / "sig").write_bytes(file.read(SIGNATURE))
    (tmp_path / "allowed").write_text(f"tester {key.with_suffix('.pub').read_text()}")
    command = ["ssh-keygen", "-Y", "verify", "-f", str(tmp_path / "allowed"), "-I", "tester", "-n", NAMESPACE, "-s"]
    for data, good in ((manifest, True), (manifest + b" ", False)):
        done = subprocess.run([*command, str(tmp_path / "sig")], input=data, capture_output=True, check=False)
        assert (done.returncode == 0) is good


def changed(bundle: Path, name: str, data: bytes | None) -> Path:
    """The bundle with one member changed or left out."""
    with zipfile.ZipFile(bundle) as source:
        members = {info.filename: source.read(info) for info in source.infolist()}
    members.pop(name)
    with zipfile.ZipFile(bundle, "w") as target:
        for member, content in {**members, **({name: data} if data is not None else {})}.items():
            target.writestr(member, content)
    return bundle


@pytest.mark.parametrize("name", ["manifest.json", "signing.json", SIGNATURE, "run.json", "README.txt"])
@pytest.mark.parametrize("leave", [True, False])
def test_any_change_after_signing_is_told_by_name(bundle: Path, key: Path, name: str, leave: bool) -> None:
    report = verify(changed(bundle, name, None if leave else b"{}"), trusted=trusted(key))
    assert any(name in finding or "not signed" in finding or "signature" in finding for finding in report.findings)


def test_another_key_is_not_taken_when_one_is_asked_for(bundle: Path) -> None:
    other = {ed25519.Ed25519PrivateKey.generate().public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)}
    report = verify(bundle, trusted=signers("".join(one.decode() for one in other)))
    assert any("not a key that you trust" in finding for finding in report.findings)


def test_an_unsigned_bundle_is_not_taken_when_a_signature_is_asked_for(tmp_path: Path, key: Path) -> None:
    path = write_bundle(runs.make(tmp_path / "other").path)
    assert any("not signed" in finding for finding in verify(path, trusted=trusted(key)).findings)
    assert verify(path, {runs.REFUSED: False}).findings == []


def test_an_unfinished_run_is_signed_as_unfinished(tmp_path: Path, key: Path) -> None:
    folder = RunFolder.create(tmp_path / "cut", "reference", seed=7, version="0.1.0", planned=["GM-AKA-01"])
    path = write_bundle(folder.path)
    assert not sign_bundle(path, Signer(key), when=WHEN, version="0.1.0").finished
    notes = verify(path, trusted=trusted(key)).notes
    assert any("did not come to its end" in note and "signed" in note for note in notes)


def test_a_statement_that_the_run_contradicts_is_told(bundle: Path, key: Path) -> None:
    with zipfile.ZipFile(bundle) as file:
        statement = json.loads(file.read("signing.json"))
    archive = Archive(changed(bundle, "signing.json", json.dumps({**statement, "verdict": "fail"}).encode()))
    assert any("says" in finding for finding in check(archive, trusted(key))[1])
    archive.close()


def test_what_does_not_hold_together_is_not_signed(tmp_path: Path, key: Path) -> None:
    path = changed(write_bundle(runs.make(tmp_path / "other").path), "README.txt", b"changed")
    before = path.read_bytes()
    with pytest.raises(HarnessError, match="does not hold together"):
        sign_bundle(path, Signer(key), when=WHEN, version="0.1.0")
    assert path.read_bytes() == before


def test_what_is_no_key_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no key")
    for name in ("text", "missing"):
        with pytest.raises(HarnessError, match=name):
            Signer(tmp_path / name)
    with pytest.raises(ValueError, match="no public key"):
        signers("# only a comment\n")
