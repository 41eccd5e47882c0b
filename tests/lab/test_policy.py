"""The box in which the policy is swapped."""

from __future__ import annotations

from imsproof.lab.policy import Policy, PolicyBox


def test_a_new_box_holds_the_conformant_policy() -> None:
    assert PolicyBox().current == Policy()


def test_a_policy_can_be_looked_up() -> None:
    """Server contexts are kept by policy, so it must be hashable."""
    assert hash(Policy()) == hash(Policy())
