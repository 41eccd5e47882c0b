"""The tester's signature on a bundle: over its manifest, by an SSH key, so that ``ssh-keygen`` alone can check it.

``signing.json`` says what is signed, when and by which version; the manifest holds its hash like any other file's,
and ``manifest.json.sig`` is the signature of the manifest. A run that did not come to its end is signed as such.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imsproof.codec import sshsig
from imsproof.evidence.archive import Archive
from imsproof.evidence.bundle import MANIFEST, add_bytes, add_stream
from imsproof.evidence.files import unwritable
from imsproof.evidence.run import RUN_JSON, parse_run
from imsproof.seams import HarnessError

if TYPE_CHECKING:
    from collections.abc import Collection

SIGNING, SIGNATURE = "signing.json", f"{MANIFEST}.sig"
NAMESPACE = "imsproof-run"
"""What the signature is for; ``ssh-keygen -Y verify`` asks for it (``-n``)."""
KEY_LIMIT = 64 * 1024
SECONDS = 120
"""For a person to type a passphrase or touch a token."""


@dataclass(frozen=True, slots=True)
class Signed:
    """A signature that holds: whose (``SHA256:...``), when (UTC), by which version, and whether the run had ended."""

    fingerprint: str
    when: str
    version: str
    finished: bool

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {"key": self.fingerprint, "signed": self.when, "version": self.version, "finished": self.finished}


class Signer:
    """A key that signs: read here; left to ``ssh-keygen`` when it has a passphrase or lies in a token or an agent."""

    def __init__(self, path: Path) -> None:
        """Read the key.

        Raises:
            HarnessError: it cannot be used; the message says why.
        """
        self._path = path
        self._key: sshsig.PrivateKey | None = None
        try:
            with path.open("rb") as file:
                data = file.read(KEY_LIMIT)
        except OSError as error:
            raise HarnessError(f"the key {path} cannot be read: {error.strerror or error}") from error
        try:
            self._key = sshsig.private_key(data)
        except (sshsig.SshSigError, TypeError) as error:
            if b"PRIVATE KEY" not in data and not data.startswith((b"ssh-", b"ecdsa-", b"sk-")):
                raise HarnessError(f"{path} is no SSH key (make one: ssh-keygen -t ed25519 -f KEY)") from error
            if shutil.which("ssh-keygen") is None:
                raise HarnessError(f"{path} needs ssh-keygen, which is not installed: {error}") from error

    def sign(self, message: bytes) -> str:
        """Return the armoured signature (``HarnessError`` when ssh-keygen does not make one)."""
        if self._key is not None:
            return sshsig.sign(message, self._key, NAMESPACE).armoured()
        with tempfile.TemporaryDirectory(prefix="imsproof-sign-") as folder:
            file = Path(folder) / MANIFEST
            file.write_bytes(message)
            command = ["ssh-keygen", "-q", "-Y", "sign", "-f", str(self._path), "-n", NAMESPACE, str(file)]
            try:
                done = subprocess.run(command, check=False, timeout=SECONDS, stderr=subprocess.PIPE)  # noqa: S603 - own
            except (OSError, subprocess.TimeoutExpired) as error:
                raise HarnessError(f"ssh-keygen did not sign: {error}") from error
            made = file.with_name(f"{file.name}.sig")
            if done.returncode or not made.exists():
                raise HarnessError(f"ssh-keygen did not sign: {done.stderr.decode('utf-8', 'replace').strip()[-200:]}")
            return made.read_text(encoding="ascii")


def sign_bundle(bundle: Path, signer: Signer, *, when: str, version: str) -> Signed:
    """Sign a bundle in its place; a former signature is replaced.

    Raises:
        HarnessError: the bundle does not hold together (then it is left as it is), or cannot be written.
        ValueError: it is no bundle.
    """
    part = bundle.with_name(f"{bundle.name}.part")
    archive = Archive(bundle)
    try:
        wrong = [*archive.odd, *archive.hashes()]
        if wrong:
            raise HarnessError(f"{bundle} does not hold together and is not signed: {wrong[0]}")
        run = parse_run(archive.read(RUN_JSON))
        manifest = json.loads(archive.read(MANIFEST))
        statement = {
            "schema": 1,
            "run": run.info.id,
            "verdict": run.verdict.value,
            "finished": run.info.finished is not None,
            "signed": when,
            "version": version,
        }
        with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as target:
            for name in archive.names:
                if name not in {MANIFEST, SIGNATURE, SIGNING}:
                    archive.using(name, lambda source, name=name: add_stream(target, name, source))  # type: ignore[misc]
            added = add_bytes(target, SIGNING, json.dumps(statement, indent=1).encode() + b"\n")
            kept = [one for one in manifest["files"] if one["path"] != SIGNING]
            manifest["files"] = sorted([*kept, added], key=lambda one: str(one["path"]))
            text = json.dumps(manifest, indent=1).encode() + b"\n"
            add_bytes(target, MANIFEST, text)
            armoured = signer.sign(text)
            add_bytes(target, SIGNATURE, armoured.encode("ascii"))
        part.replace(bundle)
    except OSError as error:
        raise unwritable(bundle, error) from error
    finally:
        archive.close()
        part.unlink(missing_ok=True)
    key = sshsig.SshSignature.parse(armoured).fingerprint
    return Signed(key, when, version, run.info.finished is not None)


def signers(text: str) -> set[bytes]:
    """Return the public keys of a ``.pub`` or ``allowed_signers`` file.

    Raises:
        ValueError: there is none in it.
    """
    found = set()
    for line in text.splitlines():
        if line.strip() and not line.lstrip().startswith("#"):
            found.add(sshsig.public_blob(line))
    if not found:
        raise sshsig.SshSigError("no public key stands in it")
    return found


def check(archive: Archive, trusted: Collection[bytes] | None) -> tuple[Signed | None, list[str]]:
    """Check the signature of a bundle, and return it with what is wrong.

    Args:
        archive: the bundle, whose hashes are checked elsewhere.
        trusted: the public keys of whom it must be; ``None`` when any will do, or none at all.
    """
    present = SIGNATURE in archive.names
    if not present:
        left = [f"{SIGNING} is in the bundle, and the signature is missing"] if SIGNING in archive.names else []
        return None, left + (["the bundle is not signed, and a signature is asked for"] if trusted is not None else [])
    try:
        signature = sshsig.SshSignature.parse(archive.read(SIGNATURE).decode("ascii", "replace"))
        signature.check(archive.read(MANIFEST), NAMESPACE)
    except ValueError as error:
        return None, [f"{SIGNATURE}: the signature does not hold: {error}"]
    wrong = []
    if trusted is not None and signature.key not in trusted:
        wrong.append(f"{SIGNATURE}: it is signed by {signature.fingerprint}, which is not a key that you trust")
    try:
        statement = json.loads(archive.read(SIGNING))
        run = parse_run(archive.read(RUN_JSON))
        signed = Signed(
            signature.fingerprint, str(statement["signed"]), str(statement["version"]), statement["finished"] is True
        )
        found = (run.info.id, run.verdict.value, run.info.finished is not None)
        told = (statement["run"], statement["verdict"], statement["finished"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        return None, [*wrong, f"{SIGNING} cannot be read: {error}"]
    if told != found:
        wrong.append(f"{SIGNING} says {told} of the run, {RUN_JSON} says {found}")
    return signed, wrong
