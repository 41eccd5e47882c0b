from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

import pytest
from pydantic import BaseModel, ValidationError

from imsproof.profile import Profile

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.profile.conftest import Make


def models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
        for field in annotation.model_fields.values():
            yield from models(field.annotation)
    for argument in get_args(annotation):
        yield from models(argument)


def test_every_field_of_every_part_says_what_it_is() -> None:
    silent = [
        f"{model.__name__}.{name}"
        for model in models(Profile)
        for name, field in model.model_fields.items()
        if not field.description
    ]
    assert silent == []


def test_a_profile_is_frozen(make: Make) -> None:
    with pytest.raises(ValidationError, match="frozen"):
        make().name = "other"  # type: ignore[misc]


def test_limits_and_timers_have_their_defaults(make: Make) -> None:
    profile = make("limits: {bytes_per_second: 5 MB}\ntimers: {register: 7}\n")
    assert (profile.limits.bytes_per_second, profile.limits.flood_packets) == (5_000_000, 2_000)
    assert (profile.timers.register_, profile.timers.silence) == (7, 0.6)


def test_a_part_whose_fields_are_all_commented_out_has_its_defaults(make: Make) -> None:
    assert make("limits:\ntimers:\ngm:\n") == make()


def test_the_far_end_is_that_of_gm(make: Make) -> None:
    assert make().far is None
    profile = make("gm: {domain: x, udp: '192.0.2.1:1', far_end: {uri: 'sip:f@x'}}\n")
    assert profile.far is not None
    assert profile.far.uri == "sip:f@x"


def test_secrets_are_given_in_the_forms_that_could_leak(make: Make) -> None:
    subscribers = (
        f"[{{name: a, impi: a, impus: ['sip:a@x'], k: '{'ab' * 16}', op: '{'cd' * 16}'}},"
        " {name: b, impi: b, impus: ['sip:b@x'], password: hush hush}]"
    )
    profile = make(f"gm: {{domain: x, udp: '192.0.2.1:1', subscribers: {subscribers}}}\n")
    assert set(profile.secrets()) == {"ab" * 16, "AB" * 16, "cd" * 16, "CD" * 16, "hush hush"}
    assert all(secret not in repr(profile) for secret in profile.secrets())
    assert make().secrets() == []
