"""Message sessions against an endpoint that was not made for them: right in allowed ways, and wrong."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from tests.whole.command import imsproof, verdicts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HOST = "127.0.78.1"
PROFILE = """
name: odd-messages
scope: {{networks: [127.0.0.0/8], authorised_by: the test, until: 2099-12-31}}
tester: {{addresses: [127.0.0.1]}}
timers: {{answer: {answer}, silence: 0.3, handshake: 10, call: 10}}
msrp:
  via: hook
  connects: false
  hook:
    http: {{method: POST, url: "http://127.0.78.1:{port}/{{call_id}}", body: "{{sdp}}"}}
    answer: {{sdp: whole}}
    release: {{http: {{method: DELETE, url: "http://127.0.78.1:{port}/{{call_id}}"}}}}
"""
FAMILIES = ("-f", "MSRP-TLS", "-f", "MSRP-FP", "-f", "MSRP-SESS", "-f", "MSRP-FRAME")
DECIDED = {"pass", "pass-with-remark", "not-applicable"}


@contextmanager
def endpoint(*traits: str) -> Iterator[int]:
    """The endpoint as a process; the port of its hook."""
    command = [sys.executable, "-m", "tests.whole.odd_messages", HOST, *traits]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield int(process.stdout.readline())
        finally:
            process.terminate()


def found(path: Path, *traits: str) -> dict[str, str]:
    """The verdicts on an endpoint with these traits."""
    with endpoint(*traits) as port:
        # Who drops what it refuses is waited for, many times: not as long as one whose answer may come late.
        answer = 1.5 if "silent" in traits else 10
        (path / "odd.yaml").write_text(PROFILE.format(port=port, answer=answer))
        imsproof("run", path / "odd.yaml", *FAMILIES, "--workers", 2, "--out", path / "out")
    return verdicts(path / "out")


@pytest.mark.parametrize("traits", [("silent", "newest"), ("closes", "late", "chatty")], ids="-".join)
def test_a_right_endpoint_never_fails(tmp_path: Path, traits: tuple[str, ...]) -> None:
    wrong = {name: verdict for name, verdict in found(tmp_path, *traits).items() if verdict not in DECIDED}
    assert not wrong


def test_a_wrong_endpoint_is_found_by_the_purposes_of_its_flaws(tmp_path: Path) -> None:
    failed = {
        name
        for name, verdict in found(tmp_path, "any-certificate", "any-session", "after-bye").items()
        if verdict == "fail"
    }
    assert failed == {
        *("MSRP-FP-01", "MSRP-FP-02", "MSRP-FP-03", "MSRP-FP-04", "MSRP-FP-07"),
        *("MSRP-SESS-01", "MSRP-SESS-03", "MSRP-SESS-04", "MSRP-SESS-05"),
    }
