"""The hook: an answer by HTTP or from a command, commands ended by pid, and clear reasons when there is none."""

from __future__ import annotations

import os
import socket
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from tests.conftest import Serve, ShortTimers, events

from imsproof.actors.hook import HookSignalling
from imsproof.codec.sdp import Fingerprint, Sdp, data_channel_offer
from imsproof.profile.hook import Hook
from imsproof.seams import HarnessError, Kind

if TYPE_CHECKING:
    from pathlib import Path

    from imsproof.link.session import Session

FINGERPRINT = ":".join(["AB"] * 32)
OFFER: Sdp = data_channel_offer("127.0.0.1", 40000, fingerprints=[Fingerprint("SHA-256", FINGERPRINT)])
ANSWER = OFFER.to_bytes().decode().replace("40000", "50000")


def signalling(session: Session, **hook: Any) -> HookSignalling:
    return HookSignalling(session, Hook.model_validate(hook), local_address="127.0.0.1")


def command(program: str, *words: str, answer: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"command": [sys.executable, "-c", program, *words], "answer": answer or {"sdp": "whole"}}


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_an_answer_by_http(session: Session, serve: Serve) -> None:
    asked: list[bytes] = []

    def handle(peer: socket.socket) -> None:
        asked.append(peer.recv(65536))
        peer.sendall(b"HTTP/1.1 200 OK\r\n\r\n" + ANSWER.encode())

    host, port = serve(handle)
    hook = signalling(
        session, http={"url": f"http://{host}:{port}/offer/{{call_id}}", "body": "{sdp}"}, answer={"sdp": "whole"}
    )
    answered = hook.offer(OFFER, "offer")
    described = answered.described()
    assert described
    assert described.port == 50000
    assert FINGERPRINT.encode() in asked[0]


def test_an_http_error_is_a_reason(session: Session, serve: Serve) -> None:
    host, port = serve(lambda peer: peer.sendall(b"HTTP/1.1 500 No\r\n\r\n<p>no\n  ufrag"))
    hook = signalling(session, http={"url": f"http://{host}:{port}/"}, answer={"sdp": "whole"})
    assert "answered 500: <p>no ufrag" in hook.offer(OFFER, "offer").failed


def test_a_node_that_is_just_coming_up_again_is_asked_again(session: Session) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        host, port = listener.getsockname()
    hook = signalling(session, http={"url": f"http://{host}:{port}/", "body": "{sdp}"}, answer={"sdp": "whole"})

    def begin_and_answer() -> None:
        while not any(event.kind is Kind.REFUSED for event in list(session.record.events)):
            time.sleep(0.01)
        with socket.create_server((host, port)) as again:
            again.settimeout(5)
            peer, _ = again.accept()
            with peer:
                peer.recv(65536)
                peer.sendall(b"HTTP/1.1 200 OK\r\n\r\n" + ANSWER.encode())

    server = threading.Thread(target=begin_and_answer)
    server.start()
    session.link.timers = ShortTimers(connect=5.0)
    answered = hook.offer(OFFER, "offer")
    server.join()
    assert answered.described()


def test_a_node_that_is_busy_is_asked_again_for_a_while(session: Session) -> None:
    answers = [b"HTTP/1.1 486 Busy Here\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n"]
    with socket.create_server(("127.0.0.1", 0)) as listener:
        host, port = listener.getsockname()
        listener.settimeout(5)

        def answer() -> None:
            for one in (answers[0], answers[1] + ANSWER.encode()):
                peer, _ = listener.accept()
                with peer:
                    peer.recv(65536)
                    peer.sendall(one)

        node = threading.Thread(target=answer)
        node.start()
        hook = signalling(session, http={"url": f"http://{host}:{port}/", "body": "{sdp}"}, answer={"sdp": "whole"})
        answered = hook.offer(OFFER, "offer")
        node.join(5)
    assert answered.described() is not None


def test_a_node_that_answered_before_is_not_waited_for(session: Session, serve: Serve) -> None:
    """What ends a node in the middle of a purpose must not be hidden by its supervisor."""
    host, port = serve(
        lambda peer: peer.sendall(b"HTTP/1.1 200 OK\r\n\r\n" + ANSWER.encode()) if peer.recv(9) else None
    )
    hook = signalling(session, http={"url": f"http://{host}:{port}/", "body": "{sdp}"}, answer={"sdp": "whole"})
    assert not hook._has_answered()
    assert hook.offer(OFFER, "offer").described()
    assert hook._has_answered()


@pytest.mark.parametrize("later_offers", [True, False])
def test_a_later_offer_has_the_calls_id_where_the_node_takes_later_ones(session: Session, later_offers: bool) -> None:
    program = "import sys; print(open(sys.argv[1], newline='').read() + 'a=call:' + sys.argv[2] + '\\r\\n')"
    hook = signalling(session, **command(program, "{sdp_file}", "{call_id}"), later_offers=later_offers)

    def call_of(label: str) -> str | None:
        sdp = hook.offer(OFFER, label).sdp
        assert sdp
        return sdp.media[0].attr("call")

    first, second = call_of("offer"), call_of("later offer")
    assert first
    assert (first == second) is later_offers
    hook.end()
    assert call_of("offer of another call") not in (first, second)


def test_the_placeholders_reach_a_command(session: Session) -> None:
    fields = {"address": "a=(.*)", "port": "p=(.*)", "fingerprint": "f=(.*)"}
    program = "import sys; print('a=%s\\np=%s\\nf=%s' % tuple(sys.argv[1:]))"
    hook = signalling(
        session,
        **command(program, "{address}", "{port}", "{fingerprint}", answer={"fields": fields}),
    )
    described = hook.offer(OFFER, "offer").described()
    assert described
    assert (described.address, described.port) == ("127.0.0.1", 40000)
    assert described.fingerprints[0].value == FINGERPRINT


def test_a_command_goes_on_after_its_answer_and_is_ended_by_its_pid(session: Session, tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    program = (
        "import os, sys, signal; open(sys.argv[2], 'w').write(str(os.getpid()))\n"
        "print('PORT=' + sys.argv[1], flush=True)\n"
        "while True: print('x' * 1000, flush=True); signal.sigtimedwait([], 0.01)"
    )
    fields = {"address": "(127.0.0.1)", "port": "PORT=(\\d+)"}
    program = program.replace("'PORT='", "'127.0.0.1 PORT='")
    hook = signalling(session, **command(program, "50001", str(pid_file), answer={"fields": fields}))
    described = hook.offer(OFFER, "offer").described()
    assert described
    assert described.port == 50001
    pid = int(pid_file.read_text(encoding="ascii"))
    assert not gone(pid)
    hook.end()
    assert gone(pid)


def test_a_command_that_ignores_being_asked_is_killed_at_the_sessions_end(session: Session, tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    program = (
        "import os, sys, signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "open(sys.argv[1], 'w').write(str(os.getpid()))\n"
        "print('127.0.0.1 PORT=7', flush=True); signal.pause()"
    )
    fields = {"address": "(127.0.0.1)", "port": "PORT=(\\d+)"}
    hook = signalling(session, **command(program, str(pid_file), answer={"fields": fields}))
    hook.offer(OFFER, "offer")
    session.close()
    assert gone(int(pid_file.read_text(encoding="ascii")))


def test_the_sdp_is_in_a_file_while_it_is_needed(session: Session) -> None:
    hook = signalling(session, **command("import sys; print(open(sys.argv[1], newline='').read())", "{sdp_file}"))
    answered = hook.offer(OFFER, "offer")
    assert answered.sdp
    files = list(hook._files)
    hook.end()
    assert files
    assert not any(file.exists() for file in files)


@pytest.mark.parametrize("program", ["", "print('nothing here')", "import signal; signal.pause()"])
def test_a_command_without_an_answer_has_a_reason(session: Session, program: str) -> None:
    session.link.timers = ShortTimers(call=1.0)
    place = {"fields": {"address": "a=(.*)", "port": "p=(.*)"}}
    answered = signalling(session, **command(program, answer=place)).offer(OFFER, "offer")
    assert answered.described() is None
    assert "gave no answer" in answered.failed


def test_output_that_is_no_sdp_is_told(session: Session) -> None:
    answered = signalling(session, **command("print('hello')")).offer(OFFER, "offer")
    assert answered.described() is None


def test_a_command_that_is_not_there_is_an_error_of_the_harness(session: Session) -> None:
    hook = signalling(session, command=["/nowhere/at-all"], answer={"sdp": "whole"})
    with pytest.raises(HarnessError, match="cannot be started"):
        hook.offer(OFFER, "offer")


@pytest.mark.parametrize(
    ("release", "why"),
    [
        (None, "has no release"),
        ({"command": [sys.executable, "-c", "raise SystemExit(3)"]}, "ended with status 3"),
        ({"command": [sys.executable, "-c", "pass"]}, ""),
    ],
)
def test_a_node_that_was_not_told_of_the_end_is_said(
    session: Session, release: dict[str, Any] | None, why: str
) -> None:
    hook = signalling(session, **command("import sys; print(sys.argv[1])", "{sdp}"), release=release)
    hook.offer(OFFER, "offer")
    hook.end()
    assert why in hook.not_told
    assert bool(why) is bool(hook.not_told)


def test_the_release_runs_at_the_end(session: Session, tmp_path: Path) -> None:
    mark = tmp_path / "released"
    release = {
        "command": [
            sys.executable,
            "-c",
            "import sys; open(sys.argv[1], 'w').write(sys.argv[2])",
            str(mark),
            "{call_id}",
        ]
    }
    hook = signalling(session, **command("import sys; print(sys.argv[1])", "{sdp}"), release=release)
    hook.offer(OFFER, "offer")
    hook.end()
    assert mark.read_text(encoding="ascii")
    assert any(event.exchange.endswith("release") for event in events(session))
