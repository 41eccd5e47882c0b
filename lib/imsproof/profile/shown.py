"""A profile as it may be shown: what was declared, without comments, and without what is secret."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import yaml
from yaml.emitter import Emitter
from yaml.representer import SafeRepresenter
from yaml.resolver import BaseResolver
from yaml.serializer import Serializer

from imsproof.profile import yamltree
from imsproof.profile.explain import SECRETS
from imsproof.profile.kinds import Plain
from imsproof.profile.references import has_reference

if TYPE_CHECKING:
    from pathlib import Path

LEFT_OUT = "[left out]"
OPEN_HEADERS = frozenset({"accept", "content-type", "user-agent"})
"""Header fields whose value is shown; of others it may be a credential."""
_SAYS_SO = re.compile(r".*(passw|secret|api_?key|credential|authorization).*|(access_?)?token|bearer")
"""Names that a hook's body gives to what is secret."""
_USER = re.compile(r"(?<=://)[^/@\s]+(?=@)")


class _Dumper(Emitter, Serializer, SafeRepresenter, BaseResolver):
    """Writes each text as it stood: with quotes or without."""

    def __init__(self, stream: Any, **how: Any) -> None:
        Emitter.__init__(self, stream, width=how.get("width"))
        Serializer.__init__(self)
        SafeRepresenter.__init__(self, default_flow_style=False, sort_keys=False)
        BaseResolver.__init__(self)


def _plain(dumper: SafeRepresenter, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", str(text))


def _quoted(dumper: SafeRepresenter, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="'")


_Dumper.add_representer(Plain, _plain)
_Dumper.add_representer(str, _quoted)


def shown(file: Path) -> str:
    """Return a profile's YAML without comments and secrets; it can be filled in and used again.

    References (``${env:NAME}``, ``${file:path}``) stay references: what they stand for is nowhere in it.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is no profile.
    """
    value = _without_secrets(yamltree.parse(yamltree.decode(file.read_bytes())).value)
    told = "# What the run's profile declared, without its comments; secrets are left out.\n"
    return told + str(yaml.dump(value, Dumper=_Dumper, width=120))


def _without_secrets(value: Any, name: str = "", parent: str = "") -> Any:
    if isinstance(value, dict):
        return {Plain(key): _without_secrets(item, str(key).lower(), name) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_secrets(item, name, parent) for item in value]
    if not isinstance(value, str):
        return value
    key = name in SECRETS and not _only_reference(value)
    named = _SAYS_SO.fullmatch(name) or (parent == "headers" and name not in OPEN_HEADERS)
    if key or (named and not has_reference(value)):  # "Bearer ${env:TOKEN}" tells nothing
        return LEFT_OUT
    return type(value)(_USER.sub(LEFT_OUT, value))


def _only_reference(value: str) -> bool:
    return has_reference(value) and value.startswith("${") and value.index("}") == len(value) - 1
