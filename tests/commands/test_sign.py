"""``imsproof sign`` and what ``verify --signer`` demands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from tests.evidence import runs
from typer.testing import CliRunner

from imsproof.cli import app
from imsproof.evidence.run import RunFolder

if TYPE_CHECKING:
    from pathlib import Path


def invoke(*arguments: object) -> tuple[int, str]:
    """Run the command line."""
    done = CliRunner().invoke(app, [str(one) for one in arguments])
    return done.exit_code, done.output


def keys(folder: Path, name: str) -> tuple[Path, Path]:
    """A key pair."""
    made = ed25519.Ed25519PrivateKey.generate()
    private, public = folder / name, folder / f"{name}.pub"
    private.write_bytes(made.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))
    public.write_bytes(made.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH))
    return private, public


def test_a_run_folder_is_signed_and_its_signer_is_demanded(tmp_path: Path) -> None:
    ours, public = keys(tmp_path, "ours")
    _, other = keys(tmp_path, "other")
    folder = runs.make(tmp_path / "runs").path
    assert invoke("sign", folder, "--key", ours)[0] == 0
    bundle = folder / "bundle.zip"
    assert "signed by SHA256:" in invoke("verify", bundle, "--signer", public)[1]
    assert "not a key that you trust" not in invoke("verify", bundle, "--signer", public)[1]
    code, text = invoke("verify", bundle, "--signer", other)
    assert code == 1
    assert "not a key that you trust" in text


def test_a_killed_run_is_signed_as_unfinished(tmp_path: Path) -> None:
    ours, _ = keys(tmp_path, "ours")
    folder = RunFolder.create(tmp_path / "cut", "reference", seed=7, version="0.1.0", planned=["GM-AKA-01"])
    assert "as an unfinished run" in invoke("sign", folder.path, "--key", ours)[1]


def test_mistakes_of_the_user_are_told(tmp_path: Path) -> None:
    ours, public = keys(tmp_path, "ours")
    (tmp_path / "x.zip").write_text("no bundle")
    assert invoke("sign", tmp_path / "x.zip", "--key", ours)[0] == 2
    assert invoke("sign", tmp_path, "--key", ours)[0] == 2
    assert invoke("sign", tmp_path / "x.zip", "--key", tmp_path / "none")[0] == 2
    assert invoke("verify", tmp_path / "x.zip", "--signer", tmp_path / "none")[0] == 2
    assert invoke("run", "--sign", tmp_path / "none")[0] == 2
    assert public.exists()
