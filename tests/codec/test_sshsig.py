"""Signatures are what OpenSSH makes and takes; any change of any byte is told."""

from __future__ import annotations

import base64
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from imsproof.codec import sshsig
from imsproof.codec.sshsig import SshSigError, SshSignature

if TYPE_CHECKING:
    from pathlib import Path

KEYS: list[sshsig.PrivateKey] = [
    ed25519.Ed25519PrivateKey.generate(),
    *(ec.generate_private_key(curve) for curve in (ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1())),
]
needs_openssh = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="ssh-keygen is not installed")


def keygen(*arguments: object, message: bytes = b"") -> bool:
    """Run ssh-keygen, and tell whether it was content."""
    command = ["ssh-keygen", "-q", *map(str, arguments)]
    return subprocess.run(command, input=message, capture_output=True, check=False).returncode == 0


@given(st.sampled_from(KEYS), st.binary(max_size=200), st.text(min_size=1, max_size=20))
def test_what_is_signed_is_read_back_and_holds(key: sshsig.PrivateKey, message: bytes, namespace: str) -> None:
    signature = sshsig.sign(message, key, namespace)
    assert SshSignature.parse(signature.armoured()) == signature
    signature.check(message, namespace)


@given(st.sampled_from(KEYS), st.binary(min_size=1, max_size=50), st.data())
def test_another_message_or_purpose_or_signature_does_not_hold(
    key: sshsig.PrivateKey, message: bytes, data: st.DataObject
) -> None:
    signature = sshsig.sign(message, key, "a")
    at = data.draw(st.integers(0, len(message) - 1))
    other = message[:at] + bytes([message[at] ^ 1]) + message[at + 1 :]
    for wrong, namespace in ((other, "a"), (message + b"x", "a"), (message, "b")):
        with pytest.raises(SshSigError):
            signature.check(wrong, namespace)
    raw = signature.signature
    at = data.draw(st.integers(0, 79))  # an ECDSA signature is not always of one length
    broken = SshSignature(signature.key, "a", "sha512", raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :])
    with pytest.raises(SshSigError):
        broken.check(message, "a")


@given(st.text(max_size=200), st.binary(max_size=60))
def test_what_is_no_signature_is_refused_by_name(text: str, blob: bytes) -> None:
    armoured = f"{sshsig.BEGIN}\n{base64.b64encode(sshsig.MAGIC + bytes((0, 0, 0, 1)) + blob).decode()}\n{sshsig.END}"
    for one in (text, armoured):
        with pytest.raises(SshSigError):
            SshSignature.parse(one).check(b"", "a")


@needs_openssh
@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_openssh_takes_ours_and_we_take_openssh(tmp_path: Path, kind: str) -> None:
    assert keygen("-t", kind, "-N", "", "-f", tmp_path / "key")
    public = (tmp_path / "key.pub").read_text()
    message = tmp_path / "message"
    message.write_bytes(b"signed")
    assert keygen("-Y", "sign", "-f", tmp_path / "key", "-n", "imsproof-run", message)
    theirs = SshSignature.parse((tmp_path / "message.sig").read_text())
    theirs.check(b"signed", "imsproof-run")
    assert theirs.key == sshsig.public_blob(f"tester {public}")
    if kind != "rsa":
        ours = sshsig.sign(b"signed", sshsig.private_key((tmp_path / "key").read_bytes()), "imsproof-run")
        (tmp_path / "ours").write_text(ours.armoured())
        (tmp_path / "allowed").write_text(f"tester {public}")
        verify = ("-Y", "verify", "-f", tmp_path / "allowed", "-I", "tester", "-n", "imsproof-run")
        assert keygen(*verify, "-s", tmp_path / "ours", message=b"signed")
        assert not keygen(*verify, "-s", tmp_path / "ours", message=b"other")


def test_keys_are_read_and_others_are_refused() -> None:
    pem = KEYS[0].private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    public = KEYS[0].public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    key = sshsig.private_key(pem)
    assert sshsig.sign(b"", key, "a").key == sshsig.public_blob(public.decode())
    assert sshsig.fingerprint(sshsig.public_blob(public.decode())).startswith("SHA256:")
    for text in ("", "ssh-ed25519", "ssh-ed25519 AAAA", "no key at all", "ssh-ed25519 ====="):
        with pytest.raises(SshSigError):
            sshsig.public_blob(text)
    with pytest.raises(SshSigError):
        sshsig.private_key(b"no key")
