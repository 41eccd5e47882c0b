"""The key log keeps NSS lines and nothing else."""

from __future__ import annotations

from imsproof.link.keylog import keep_key

LINE = f"CLIENT_RANDOM {'ab' * 32} {'cd' * 48}"


def test_a_line_is_kept_once() -> None:
    keys: list[str] = []
    keep_key(keys, LINE + "\n")
    keep_key(keys, LINE)
    assert keys == [LINE]


def test_what_is_no_key_line_is_left_out() -> None:
    keys: list[str] = []
    keep_key(keys, "hello world")
    keep_key(keys, LINE + "\nCLIENT_RANDOM 00 00")
    assert keys == []
