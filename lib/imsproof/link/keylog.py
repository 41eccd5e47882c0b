"""The key log: secrets of the tester's own TLS and DTLS connections, so that a capture can be read by others."""

from __future__ import annotations

import re

_LINE = re.compile(r"[A-Z0-9_]{1,64} [0-9a-fA-F]{64} [0-9a-fA-F]{1,1024}")


def keep_key(keys: list[str], line: str) -> None:
    """Append a line of the NSS key log format (label, client random, secret) unless it is there already or is none.

    Source: draft-ietf-tls-keylogfile (title).
    """
    line = line.strip()
    if _LINE.fullmatch(line) and line not in keys[-64:]:
        keys.append(line)
