"""Single purposes against a system that was not made for them, without a run around them."""

from __future__ import annotations

import importlib.util
import inspect
import sys
from functools import cache
from typing import TYPE_CHECKING, Any

from imsproof import catalogue, paths
from imsproof.actors.nf import NfConsumer
from imsproof.actors.outsider import Outsider
from imsproof.actors.producerclient import ProducerClient
from imsproof.actors.torturer import Torturer
from imsproof.bench import Bench
from imsproof.judge import conclude
from imsproof.purpose import purposes_of
from imsproof.seams import InconclusiveError, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from imsproof.link.session import Link
    from imsproof.profile import Profile


@cache
def _table(plane: str) -> dict[str, tuple[Callable[..., None], dict[str, Any]]]:
    """Each purpose's function and the case of its table."""
    found: dict[str, tuple[Callable[..., None], dict[str, Any]]] = {}
    for path in sorted((paths.testcases() / plane).glob("test_*.py")):
        spec = importlib.util.spec_from_file_location(f"{plane}_{path.stem}", path)
        assert spec is not None
        assert spec.loader is not None
        module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        for function in vars(module).values():
            stands_for = purposes_of(function)
            for purpose_id, case in stands_for.cases.items() if stands_for else ():
                found[purpose_id] = (function, {"case": case} if stands_for and stands_for.table else {})
    return found


def _fixtures(bench: Bench) -> dict[str, Callable[[], Any]]:
    """What ``testcases/`` gives to testcases."""
    consumer = cache(lambda: NfConsumer(bench.session, bench.sbi))
    return {
        "bench": lambda: bench,
        "consumer": consumer,
        "producer": lambda: ProducerClient(consumer(), bench.producer()),
        "outsider": lambda: Outsider(bench.session),
        "torturer": lambda: Torturer(bench.session, bench.gm, bench.random),
    }


def judged(purpose_id: str, profile: Profile, link: Link, folder: Path) -> tuple[Verdict, str]:
    """Verdict and reason of one purpose against what the profile describes."""
    known = catalogue.load().get(purpose_id)
    function, case = _table(purpose_id.partition("-")[0].lower())[purpose_id]
    bench = Bench(profile, known, link, folder, 1, own_lab=True)
    link.timers = profile.timers
    raised = None
    try:
        bench.open()
        wanted = inspect.signature(function).parameters
        function(**{name: made() for name, made in _fixtures(bench).items() if name in wanted}, **case)
    except InconclusiveError as error:
        raised = (Verdict.INCONCLUSIVE, str(error))
    finally:
        bench.close()
    verdict, reason, _ = conclude(bench.record.judgements, needs_control=known.control, raised=raised)
    return verdict, reason
