"""Reaches a node on a bench through the profile's hook: an HTTP request, or a command that is killed by its pid."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import signal
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from imsproof.actors.ownprocess import start_command
from imsproof.actors.signalling import Answered, describe
from imsproof.codec.sdp import Sdp, SdpSyntaxError
from imsproof.link import http1
from imsproof.profile.hook import HookError, fill_command, fill_http, placeholders, read_answer
from imsproof.seams import HarnessError, Kind

if TYPE_CHECKING:
    from imsproof.link.session import Session
    from imsproof.profile.hook import Hook, HookAnswer, HttpCall

MAX_OUTPUT = 256 * 1024
MAX_WHY = 200
GRACE_SECONDS = 1.0
AGAIN_SECONDS = 0.25
"""Between two requests to a hook that takes no connection: what another purpose ended may just be coming up again."""
OK = range(200, 300)
BUSY = (429, 486, 503)
"""With these a node asks to be asked again; the last of its former calls may not have ended yet."""


class HookSignalling:
    """Hands offers over through a hook: a :class:`imsproof.actors.signalling.Signalling`."""

    def __init__(
        self,
        session: Session,
        hook: Hook,
        *,
        local_address: str,
        actor: str = "hook",
        far: tuple[str, int] | None = None,
    ) -> None:
        """Bind a hook to a session.

        Args:
            session: the purpose's session.
            hook: from the profile (``dc.hook`` or ``media.hook``).
            local_address: the tester's IP address that the node can reach.
            actor: the name in the journal.
            far: the tester's address on the far side of a media gateway.
        """
        self.session = session
        self.hook = hook
        self.actor = actor
        self._local = local_address
        self._far = far
        self._values: dict[str, str] | None = None
        self._processes: list[asyncio.subprocess.Process] = []
        self._readers: list[asyncio.Task[None]] = []
        self._files: list[Path] = []
        self._owned = False
        self._not_told = ""

    @property
    def not_told(self) -> str:
        """Why the node did not learn of the end; ``""`` when it did."""
        return self._not_told

    @property
    def local_address(self) -> str:
        """The tester's IP address that the node can reach."""
        return self._local

    def offer(self, offer: Sdp, label: str, *, method: str = "INVITE") -> Answered:
        """Hand an offer over and wait for the answer within the profile's call timer.

        Raises:
            HarnessError: the hook cannot be used (a placeholder without a value, a command that is not there).
        """
        del method  # there is no SIP
        return self.session.run(self._offer(offer, label))

    def end(self) -> None:
        """Run the hook's release and end its commands."""
        self.session.run(self.aclose())

    async def _offer(self, offer: Sdp, label: str) -> Answered:
        exchange = self.session.exchange(label)
        answered = Answered(record=self.session.record, exchange=exchange)
        if not self._owned:
            self._owned = True
            self.session.own(self)
        try:
            self._values = self._placeholders(offer)
            told = {"text": "the offer, as it is handed over"}
            self.session.emit(Kind.NOTE, self.actor, exchange, data=offer.to_bytes(), facts=told)
            found = await self._ask(exchange, self._values)
        except HookError as error:
            answered.failed = f"the hook gave no answer: {error}"
            self.session.emit(Kind.TIMEOUT, self.actor, exchange, facts={"reason": answered.failed})
            return answered
        self._take(found, answered)
        return answered

    def _placeholders(self, offer: Sdp) -> dict[str, str]:
        text = offer.to_bytes().decode("utf-8", "replace")
        kinds = [section.kind for section in offer.media]
        own = describe(offer, "application" if "application" in kinds else kinds[0] if kinds else "audio")
        values: dict[str, str | int] = {"address": self._local, "call_id": self._call_id()}
        if own is not None:
            values |= {"port": own.port, "setup": own.setup, "tls_id": own.tls_id, "sctp_port": own.sctp_port}
            values |= {"fingerprint": "", "fingerprint_hash": "sha-256"}  # an offer may have none on purpose
            for one in own.fingerprints[:1]:
                values |= {"fingerprint": one.value, "fingerprint_hash": one.hash.lower()}
        for name, attribute in (("ice_ufrag", "ice-ufrag"), ("ice_pwd", "ice-pwd")):
            for section in offer.media[:1]:
                values[name] = section.attr(attribute) or ""
        if self._far:
            values |= {"far_address": self._far[0], "far_port": self._far[1]}
        return placeholders(text, **values, sdp_file=str(self._write_sdp(text)))

    def _call_id(self) -> str:
        """A new one, unless this is a later offer of a call that stands and the node takes those."""
        return self._values["call_id"] if self._values and self.hook.later_offers else secrets.token_hex(8)

    def _write_sdp(self, text: str) -> Path:
        handle, name = tempfile.mkstemp(prefix="imsproof-offer-", suffix=".sdp")
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text)
        self._files.append(Path(name))
        return self._files[-1]

    async def _ask(self, exchange: str, values: dict[str, str]) -> HookAnswer:
        if self.hook.http is not None:
            body = await self._http(self.hook.http, exchange, values)
            return read_answer(self.hook.answer, body)
        if self.hook.command is None:
            raise HarnessError("the hook names neither http nor command")
        return await self._command(fill_command(self.hook.command, values), exchange)

    async def _http(self, call: HttpCall, exchange: str, values: dict[str, str]) -> str:
        request = fill_http(call, values)
        begun, patience = time.monotonic(), self.session.timers.connect
        closed_for = 0 if self._has_answered() else patience
        while True:
            answer = await http1.fetch(
                self.session,
                self.actor,
                exchange,
                request.method,
                str(request.url),
                headers=request.headers,
                body=request.body,
                within=self.session.timers.call,
            )
            waits = closed_for if " refused" in answer.failed else patience if answer.status in BUSY else 0
            if time.monotonic() - begun >= waits:
                break
            await asyncio.sleep(AGAIN_SECONDS)
        if answer.failed or answer.status not in OK:
            raise HookError(answer.failed or f"the hook's HTTP request was answered {answer.status}{_why(answer.body)}")
        return answer.body.decode("utf-8", "replace")

    def _has_answered(self) -> bool:
        """Whether the node answered in this purpose already: that it then refuses is no leftover of another one."""
        answers = (Kind.RECEIVED, "http")
        return any(
            one.actor == self.actor and (one.kind, one.transport) == answers for one in self.session.record.events
        )

    async def _command(self, argv: list[str], exchange: str) -> HookAnswer:
        process = await self._start(argv, exchange)
        assert process.stdout is not None
        output = ""
        problem = "it printed nothing"
        try:
            async with asyncio.timeout(self.session.timers.call):
                while line := await process.stdout.readline():
                    output = (output + line.decode("utf-8", "replace"))[:MAX_OUTPUT]
                    try:
                        answer = self._try_read(output)
                    except HookError as error:
                        problem = str(error)
                        continue
                    if answer is not None:
                        self._printed(exchange, output)
                        self._readers.append(asyncio.create_task(_drain(process.stdout)))
                        return answer
        except (TimeoutError, ValueError):
            problem = f"{problem} (waited {self.session.timers.call} s)"
        self._printed(exchange, output)
        if self.hook.answer.sdp == "whole" and output.strip():
            return read_answer(self.hook.answer, output)
        raise HookError(f"the command's output holds no answer: {problem}")

    def _try_read(self, output: str) -> HookAnswer | None:
        """Read the answer as soon as it is there; ``whole`` is only known at the end of the output."""
        return None if self.hook.answer.sdp == "whole" else read_answer(self.hook.answer, output)

    async def _start(self, argv: list[str], exchange: str) -> asyncio.subprocess.Process:
        process = await start_command(self.session, argv, "the hook's", actor=self.actor, exchange=exchange)
        self._processes.append(process)
        return process

    def _printed(self, exchange: str, output: str) -> None:
        self.session.emit(
            Kind.RECEIVED,
            self.actor,
            exchange,
            data=output.encode("utf-8", "replace"),
            facts={"text": "the command's output"},
        )

    def _take(self, found: HookAnswer, answered: Answered) -> None:
        if found.fields:
            answered.fields = found.fields
            return
        if self.hook.answer.sdp != "whole":
            told = {"text": "the answer's session description"}
            self.session.emit(Kind.RECEIVED, self.actor, answered.exchange, data=found.sdp.encode(), facts=told)
        try:
            answered.sdp = Sdp.parse(found.sdp.replace("\r\n", "\n").replace("\n", "\r\n").encode())
        except SdpSyntaxError as error:
            answered.failed = f"the hook's answer is not SDP: {error}"

    async def aclose(self) -> None:
        """Run the hook's release and end its commands; what goes wrong is noted only."""
        values, self._values = self._values, None
        if values is not None and self.hook.release is not None:
            try:
                await self._release(values)
            except (HookError, HarnessError) as error:
                self._not_told = f"the hook's release failed, so the lab may not know that the call ended: {error}"
                self.session.note(self._not_told, actor=self.actor)
        elif values is not None and all(_over(one) for one in self._processes):
            self._not_told = "the profile's hook has no release, so the lab was not told that the call ended"
        for process in self._processes:
            await _end(process)
        for reader in self._readers:
            reader.cancel()
        self._processes.clear()
        self._readers.clear()
        for file in self._files:
            file.unlink(missing_ok=True)
        self._files.clear()
        self.session.disown(self)
        self._owned = False

    async def _release(self, values: dict[str, str]) -> None:
        release = self.hook.release
        assert release is not None
        exchange = self.session.exchange("release")
        if release.http is not None:
            await self._http(release.http, exchange, values)
        if release.command is not None:
            process = await self._start(fill_command(release.command, values), exchange)
            try:
                async with asyncio.timeout(self.session.timers.answer):
                    await process.communicate()
            except TimeoutError:
                raise HookError(f"{release.command[0]} did not end in time") from None
            if process.returncode:
                raise HookError(f"{release.command[0]} ended with status {process.returncode}")


def _why(body: bytes) -> str:
    """What the node says to a refusal, as far as it can be shown in a sentence."""
    text = " ".join(body[:MAX_WHY].decode("utf-8", "replace").split())
    return f": {text}" if text and text.isprintable() else ""


def _over(process: asyncio.subprocess.Process) -> bool:
    """Whether a command has ended, or has nothing more to say, so that its end tells nobody anything."""
    return process.returncode is not None or (process.stdout is not None and process.stdout.at_eof())


async def _drain(stream: asyncio.StreamReader) -> None:
    """Read what a command goes on printing, so that it does not block."""
    with contextlib.suppress(ValueError):
        while await stream.read(65536):
            pass


async def _end(process: asyncio.subprocess.Process) -> None:
    """End a command and what it started: its own process group, by pid, first asked and then killed."""
    for signal_number in (signal.SIGTERM, signal.SIGKILL):
        if process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal_number)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GRACE_SECONDS):
                await process.wait()
