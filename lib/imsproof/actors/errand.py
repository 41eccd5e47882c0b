"""Something that the profile tells how to have done outside of the protocols: an HTTP request, or a command."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from typing import TYPE_CHECKING

from imsproof.actors.ownprocess import start_command
from imsproof.link import http1
from imsproof.link.subject import Exchange
from imsproof.profile.hook import fill_command, fill_http
from imsproof.seams import HarnessError, InconclusiveError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from imsproof.link.session import Session
    from imsproof.profile.hook import Release

ACTOR = "operator"
OK = range(200, 300)


def run_errand(session: Session, what: Release, values: Mapping[str, str], label: str) -> Exchange:
    """Have it done, within the profile's call timer.

    Args:
        session: the purpose's session.
        what: the request or the command.
        values: what ``{name}`` in it stands for.
        label: what the conversation is called in the journal.

    Raises:
        InconclusiveError: it was not done, so that nothing follows from what the lab does.
    """
    return session.run(_run(session, what, values, label))


async def _run(session: Session, what: Release, values: Mapping[str, str], label: str) -> Exchange:
    exchange = session.exchange(label)
    if what.http is not None:
        request = fill_http(what.http, values)
        answer = await http1.fetch(
            session,
            ACTOR,
            exchange,
            request.method,
            str(request.url),
            headers=request.headers,
            body=request.body,
            within=session.timers.call,
        )
        if answer.failed or answer.status not in OK:
            raise InconclusiveError(f"{label}: {answer.failed or f'the request was answered {answer.status}'}")
    if what.command is not None:
        await _command(session, fill_command(what.command, values), exchange, label)
    return Exchange(record=session.record, exchange=exchange)


async def _command(session: Session, argv: list[str], exchange: str, label: str) -> None:
    try:
        process = await start_command(session, argv, f"{label}: the", actor=ACTOR, exchange=exchange)
    except HarnessError as error:
        raise InconclusiveError(str(error)) from error
    try:
        async with asyncio.timeout(session.timers.call):
            await process.communicate()
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.communicate()
        raise InconclusiveError(f"{label}: {argv[0]!r} did not end in time") from None
    if process.returncode:
        raise InconclusiveError(f"{label}: {argv[0]!r} ended with status {process.returncode}")
