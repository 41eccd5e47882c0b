"""A producer alone on a bench, whose tokens the tester signs itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from imsproof.profile.sbi import Sbi

if TYPE_CHECKING:
    from pathlib import Path


def keyed(tmp_path: Path, **tokens: str) -> Sbi:
    """A producer alone on a bench, with a signing key that it trusts."""
    key = ec.generate_private_key(ec.SECP256R1())
    file = tmp_path / "token.pem"
    file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return Sbi.model_validate(
        {
            "producers": [
                {"name": "mf", "url": "http://127.0.0.1:9/root", "nf_type": "MF", "apis": ["nmf-mrm"]},
            ],
            "tokens": {"from": "key", "key": str(file), "algorithm": "ES256", "issuer": "i", **tokens},
        }
    )
