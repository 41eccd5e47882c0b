"""A command of the profile's that the tester starts and whose output it reads; no shell."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from imsproof.seams import HarnessError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imsproof.link.session import Session

SHOWN = 500
"""Characters of a command that the journal shows."""


async def start_command(
    session: Session, words: Sequence[str], what: str, *, actor: str, exchange: str = ""
) -> asyncio.subprocess.Process:
    """Start a command in a process group of its own, with its output to be read, and note its process id.

    Args:
        session: the purpose's session.
        words: the command's words.
        what: whose command it is, for messages (``the hook's``).
        actor: who starts it, for the journal.
        exchange: the conversation that it belongs to, if any.

    Raises:
        HarnessError: it cannot be started.
    """
    try:
        process = await asyncio.create_subprocess_exec(
            *words,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError as error:
        raise HarnessError(f"{what} command {words[0]!r} cannot be started: {error.strerror}") from error
    session.note(f"started {' '.join(words)[:SHOWN]} (pid {process.pid})", actor=actor, exchange=exchange)
    return process
