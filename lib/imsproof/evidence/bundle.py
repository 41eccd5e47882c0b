"""``bundle.zip``: all of a run folder with a manifest of SHA-256 hashes, the same bytes for the same files."""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from typing import IO, TYPE_CHECKING

from imsproof.evidence.files import unwritable
from imsproof.evidence.run import RUN_JSON
from imsproof.seams import HarnessError

if TYPE_CHECKING:
    from pathlib import Path

BUNDLE, MANIFEST, README = "bundle.zip", "manifest.json", "README.txt"
CHUNK = 1024 * 1024

ABOUT = """This is the evidence of one run of imsproof.

run.json          what was decided; summary.html shows the same to people
evidence/<ID>/    one folder a test purpose:
  journal.jsonl     every event, one JSON object a line, bytes in base64
  judgements.json   what the predicates found, and the verdict
  capture.pcapng    the packets of this purpose alone, with the TLS and DTLS keys inside (opens in Wireshark)
  ladder.svg        the message ladder
  flows.json        the sockets that were open, by which the packets were told apart
  keys.log          the same keys as in the capture, for other tools
profile.yaml      what the run's profile declared, without its secrets
manifest.json     SHA-256 of every other file

To check it on any machine, offline:   imsproof verify bundle.zip
To send it again to a lab of your own: imsproof replay bundle.zip ID --profile YOURS.yaml

What is in here that others should not have: the keys of each TLS and DTLS connection (good for nothing else), all that
crossed them, so access tokens until they end, addresses, identities and certificates. Not in here: long-term keys and
passwords of the profile (K, OP, OPc, digest passwords, private keys). Treat the bundle as confidential.
"""


def write_bundle(run: Path) -> Path:
    """Write ``bundle.zip`` into a run folder and return its path.

    Hidden files, locks and files still being written (``*.part``) are left out. Members stand in the order of
    their names, with one fixed time, so that the same files give the same bytes.

    Raises:
        HarnessError: the folder holds a symbolic link or no ``run.json``, or the bundle cannot be written.
    """
    if not (run / RUN_JSON).is_file():
        raise HarnessError(f"{run} holds no {RUN_JSON}, so it is no run folder")
    target = run / BUNDLE
    part = run / f"{BUNDLE}.part"
    try:
        with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as bundle:
            files = [_add_file(bundle, run, path) for path in _members(run)]
            files.append(add_bytes(bundle, README, ABOUT.encode()))
            manifest = {"schema": 1, "run": run.name, "files": sorted(files, key=lambda file: str(file["path"]))}
            add_bytes(bundle, MANIFEST, json.dumps(manifest, indent=1).encode() + b"\n")
        part.replace(target)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise unwritable(target, error) from error
    return target


def _members(run: Path) -> list[Path]:
    found = []
    for folder, folders, names in os.walk(run):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = run.__class__(folder, name)
            if path.is_symlink():
                raise HarnessError(f"{path} is a symbolic link; a bundle holds files only")
            top = path.parent == run
            if (
                name.startswith(".")
                or name.endswith((".part", ".lock"))
                or (top and name in {BUNDLE, MANIFEST, README})
            ):
                continue
            found.append(path)
    return sorted(found, key=lambda path: path.relative_to(run).as_posix())


def _info(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    info.compress_type = zipfile.ZIP_DEFLATED
    info.create_system = 3
    info.external_attr = 0o644 << 16
    return info


def _add_file(bundle: zipfile.ZipFile, run: Path, path: Path) -> dict[str, str | int]:
    with path.open("rb") as source:
        return add_stream(bundle, path.relative_to(run).as_posix(), source)


def add_stream(bundle: zipfile.ZipFile, name: str, source: IO[bytes]) -> dict[str, str | int]:
    """Add a member as it is read, and return its entry in the manifest."""
    digest, size = hashlib.sha256(), 0
    with bundle.open(_info(name), "w", force_zip64=True) as target:
        while chunk := source.read(CHUNK):
            target.write(chunk)
            digest.update(chunk)
            size += len(chunk)
    return {"path": name, "sha256": digest.hexdigest(), "bytes": size}


def add_bytes(bundle: zipfile.ZipFile, name: str, data: bytes) -> dict[str, str | int]:
    """Add a member, and return its entry in the manifest."""
    bundle.writestr(_info(name), data)
    return {"path": name, "sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
