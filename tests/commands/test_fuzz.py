"""``imsproof fuzz`` against the embedded lab: a right one is not harmed, a planted crash is found and kept."""

from __future__ import annotations

import json
import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self

import pytest
from typer.testing import CliRunner

from imsproof.cli import app
from imsproof.commands.fuzz import Shard, seconds
from imsproof.commands.targets import TargetName
from imsproof.link.volley import Volley

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

RUN = CliRunner()
PROBE = b"Call-ID: ffff"


def fuzz(out: Path, *more: str) -> tuple[int, str, Path]:
    done = RUN.invoke(app, ["fuzz", "--seed", "1", "--out", str(out), *more])
    return done.exit_code, done.output, next(iter(sorted(out.iterdir(), reverse=True)))


HERE = [one.value for one in TargetName if one not in {TargetName.NG, TargetName.STUN}]
"""What the embedded lab has."""


@pytest.mark.parametrize("target", HERE)
def test_a_right_lab_is_not_harmed(tmp_path: Path, target: str) -> None:
    code, told, folder = fuzz(tmp_path, "--target", target, "--cases", "32", "--budget", "60s")
    assert code == 0, told
    campaign = json.loads((folder / "campaign.json").read_text())
    assert (campaign["cases"], campaign["findings"]) == (32, [])


def test_a_crash_of_two_steps_is_found_shrunk_and_kept(tmp_path: Path) -> None:
    code, told, folder = fuzz(tmp_path, "--fault", "malformed.two_steps", "--cases", "256", "--budget", "60s")
    assert code == 1, told
    found = [json.loads(path.read_text()) for path in folder.glob("findings/*/finding.json")]
    assert any(one["confirmed"] and len(one["messages"]) == 2 for one in found)


@pytest.mark.parametrize(
    ("target", "fault", "harm", "cases"),
    [
        ("gm-tcp", "malformed.confused", "confused", 32),
        ("gm-forward", "malformed.forwarded", "let-through", 112),
        ("sbi-token", "token.signature_ignored", "accepted", 32),
    ],
)
def test_a_lab_that_serves_and_does_wrong_is_named(
    tmp_path: Path, target: str, fault: str, harm: str, cases: int
) -> None:
    code, told, folder = fuzz(
        tmp_path, "--target", target, "--fault", fault, "--cases", str(cases), "--budget", "60s", "--shrink", "1s"
    )
    assert code == 1, told
    found = [json.loads(path.read_text()) for path in folder.glob("findings/*/finding.json")]
    assert {one["harm"] for one in found} == {harm}
    assert any(one["confirmed"] and one["alone"] for one in found)


def test_systematic_cases_have_names(tmp_path: Path) -> None:
    code, told, folder = fuzz(tmp_path, "--by", "systematic", "--sample", "200", "--budget", "60s")
    assert code == 0, told
    assert json.loads((folder / "campaign.json").read_text())["cases"] == 200


@pytest.mark.parametrize("more", [("--budget", "never"), ("--shard", "3/2"), ("--by", "systematic", "--target", "sbi")])
def test_bad_usage_is_told(tmp_path: Path, more: tuple[str, ...]) -> None:
    assert RUN.invoke(app, ["fuzz", "--out", str(tmp_path), *more]).exit_code == 2


def test_hypothesis_leads_a_search_and_keeps_its_corpus(tmp_path: Path) -> None:
    done = RUN.invoke(app, ["fuzz", "--by", "hypothesis", "--cases", "150", "--budget", "60s", "--out", str(tmp_path)])
    assert done.exit_code == 0, done.output
    folder = next(tmp_path.iterdir())
    campaign = json.loads((folder / "campaign.json").read_text())
    assert campaign["cases"] == 150
    assert campaign["grown"] >= len(list((folder / "corpus").glob("*.bin"))) > 3


def test_ci_mode_sends_the_same_each_time_and_keeps_nothing(tmp_path: Path) -> None:
    done = RUN.invoke(app, ["fuzz", "--mode", "ci", "--cases", "64", "--out", str(tmp_path)])
    assert done.exit_code == 0, done.output
    folder = next(tmp_path.iterdir())
    assert json.loads((folder / "campaign.json").read_text())["recipe"]["seed"] == 0
    assert not (folder / "corpus").exists()


def test_times_and_shards_are_read() -> None:
    assert (seconds("90"), seconds("2m"), seconds("1h")) == (90.0, 120.0, 3600.0)
    assert Shard.parse("2/4") == Shard(2, 4)
    with pytest.raises(ValueError, match="i/n"):
        Shard.parse("0/4")


class Registrar:
    """Answers good REGISTERs with 401, and nothing else."""

    def __enter__(self) -> Self:
        self.wire = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.wire.bind(("127.0.0.1", 0))
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.wire.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                data, peer = self.wire.recvfrom(65535)
                if PROBE in data:
                    head = data.partition(b"\r\n\r\n")[0].split(b"\r\n")[1:]
                    kept = [line for line in head if not line.startswith((b"Contact", b"Max", b"Content"))]
                    self.wire.sendto(b"\r\n".join([b"SIP/2.0 401 Unauthorized", *kept, b"", b""]), peer)


@pytest.mark.parametrize("by", ["volume", "systematic", "hypothesis"])
def test_two_runs_with_one_seed_send_the_same_bytes(tmp_path: Path, by: str, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[list[bytes]] = []
    fire = Volley.fire

    def record(self: Volley, datagrams: Sequence[bytes], *more: Any) -> list[bytes]:
        sent[-1] += [data for data in datagrams if PROBE not in data]
        return fire(self, datagrams, *more)

    monkeypatch.setattr(Volley, "fire", record)
    with Registrar() as lab:
        profile = tmp_path / "profile.yaml"
        profile.write_text(
            "name: registrar\nscope: {networks: [127.0.0.0/8], authorised_by: me, until: 2099-12-31}\n"
            f"gm: {{domain: ims.example, udp: '127.0.0.1:{lab.wire.getsockname()[1]}'}}\n"
        )
        for number in range(2):
            sent.append([])
            more = ["--by", by, "--cases", "80", "--seed", "5", "--budget", "60s", "--out", str(tmp_path / str(number))]
            done = RUN.invoke(app, ["fuzz", str(profile), *more])
            assert done.exit_code == 0, done.output
    assert sent[0] == sent[1]
    assert len(sent[0]) == 80
