"""Planted faults: read from ``faults/*.yaml``, checked against the policy's fields, applied as a new policy."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import yaml

from imsproof.lab.policy import Policy

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

FOLDER = Path(__file__).parent / "faults"
_LOADER: type[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml's where it is there."""


class FaultError(ValueError):
    """A fault is unknown, or its data do not fit the policy."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A flaw that the lab can be given.

    Attributes:
        name: unique, as on the command line, e.g. ``token.audience_ignored``.
        family: name of the file that it stands in.
        sentence: what the lab then does wrong.
        node: the node that does it.
        set: policy field (``room.field``) to value.
    """

    name: str
    family: str
    sentence: str
    node: str
    set: Mapping[str, Any]


@cache
def all_faults(folder: Path = FOLDER) -> Mapping[str, Fault]:
    """Return every fault by name.

    Raises:
        FaultError: a file is not of the expected form, a name stands twice, or a value does not fit its field.
    """
    faults: dict[str, Fault] = {}
    for path in sorted(folder.glob("*.yaml")):
        entries = yaml.load(path.read_text(encoding="utf-8"), _LOADER) or {}  # noqa: S506 - a safe one
        if not isinstance(entries, dict):
            raise FaultError(f"{path.name}: expected a mapping of fault names")
        for name, entry in entries.items():
            if name in faults:
                raise FaultError(f"{path.name}: fault {name!r} stands in {faults[name].family}.yaml already")
            faults[name] = _fault(path, name, entry)
    return MappingProxyType(faults)


def _fault(path: Path, name: str, entry: object) -> Fault:
    if not isinstance(entry, dict) or set(entry) != {"sentence", "node", "set"} or not entry["set"]:
        raise FaultError(f"{path.name}: fault {name!r} needs exactly sentence, node and set")
    fault = Fault(name, path.stem, str(entry["sentence"]), str(entry["node"]), MappingProxyType(dict(entry["set"])))
    _with(Policy(), fault)
    return fault


def policy_with(names: Iterable[str]) -> Policy:
    """Return the conformant policy with the named faults planted.

    Raises:
        FaultError: a name is unknown, or two faults set the same field to different values.
    """
    policy, setters = Policy(), dict[str, str]()
    for name in dict.fromkeys(names):
        fault = all_faults().get(name)
        if fault is None:
            near = get_close_matches(name, all_faults(), n=3, cutoff=0.3)
            raise FaultError(f"no fault is named {name!r}; near it: {', '.join(near) or 'none'}")
        for target in fault.set:
            other = all_faults().get(setters.setdefault(target, name), fault)
            if other.set[target] != fault.set[target]:
                raise FaultError(f"faults {other.name!r} and {name!r} both set {target}")
        policy = _with(policy, fault)
    return policy


def _with(policy: Policy, fault: Fault) -> Policy:
    for target, value in fault.set.items():
        room, _, name = target.partition(".")
        part = getattr(policy, room, None) if room in {f.name for f in dataclasses.fields(Policy)} else None
        if part is None or name not in {f.name for f in dataclasses.fields(part)}:
            raise FaultError(
                f"{fault.family}.yaml: fault {fault.name!r} sets {target!r}, which the policy does not have"
            )
        part = dataclasses.replace(part, **{name: _fitting(fault, target, value, getattr(part, name))})
        policy = dataclasses.replace(policy, **{room: part})
    return policy


def _fitting(fault: Fault, target: str, value: object, default: object) -> object:
    """Return ``value`` in the kind of ``default``; a list of YAML becomes a tuple."""
    value = tuple(value) if isinstance(value, list) else value
    if isinstance(default, float) and type(value) is int:
        value = float(value)
    if default is not None and type(value) is not type(default):
        kind = type(default).__name__
        raise FaultError(f"{fault.family}.yaml: fault {fault.name!r} sets {target} to {value!r}, expected {kind}")
    return value
