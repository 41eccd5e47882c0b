"""What frames a run: the capture on the wire while it goes, and all its reports when it has ended."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from imsproof.evidence.bundle import write_bundle
from imsproof.evidence.capture import slice_wire
from imsproof.evidence.dumpcap import Dumpcap, why_not
from imsproof.report import allure, html, junit
from imsproof.seams import HarnessError

if TYPE_CHECKING:
    from imsproof.evidence.run import RunFolder
    from imsproof.profile import Profile

RAW = "wire.pcapng"


@dataclass(slots=True)
class WireCapture:
    """The capture of a whole run, or the reason why there is none (then the link's own tap is the source)."""

    raw: Path | None
    why: str = ""
    lost: int = 0
    _dumpcap: Dumpcap | None = None

    def stop(self, quiet: float = 0.0) -> None:
        """Stop capturing, ``quiet`` seconds after the last packet; what went wrong is kept in :attr:`why`."""
        if self._dumpcap is None:
            return
        try:
            self.lost = self._dumpcap.stop(quiet)
        except HarnessError as error:
            self.why = str(error)
        self._dumpcap = None


def start_capture(profile: Profile) -> WireCapture:
    """Start capturing on the wire where that can be done."""
    if profile.capture.tap:
        return WireCapture(None, "the profile asks for the tester's own tap")
    interface = profile.capture.interface or _loopback(profile)
    if interface is None:
        return WireCapture(None, "the profile names no capture.interface")
    reason = why_not()
    if reason:
        return WireCapture(None, reason)
    handle, name = tempfile.mkstemp(prefix="imsproof-", suffix=".pcapng")
    os.close(handle)
    try:
        running = Dumpcap.start(interface, Path(name), [str(one) for one in profile.scope.networks])
    except HarnessError as error:
        Path(name).unlink(missing_ok=True)
        return WireCapture(None, str(error))
    return WireCapture(Path(name), _dumpcap=running)


def _loopback(profile: Profile) -> str | None:
    return "lo" if all(one.is_loopback for one in profile.scope.networks) else None


def finish_reports(folder: RunFolder, capture: WireCapture) -> list[str]:
    """Cut the capture, write every report and the bundle; returns sentences about what could not be had."""
    remarks = []
    if capture.raw is not None and (capture.why or capture.lost):
        capture.raw.unlink(missing_ok=True)
        lost = f"the kernel dropped {capture.lost} packets of it" if capture.lost else capture.why
        remarks.append(f"captures are from the link's own tap, the one on the wire is not whole: {lost}")
    elif capture.raw is not None:
        try:
            slice_wire(folder.path, capture.raw)
            folder.set_capture_source("wire")
        except (HarnessError, ValueError) as error:
            remarks.append(f"the capture on the wire could not be used, the link's tap stands in: {error}")
        finally:
            capture.raw.unlink(missing_ok=True)
    elif capture.why:
        remarks.append(f"captures are from the link's own tap: {capture.why}")
    junit.write(folder.path, folder.run)
    html.write(folder.path, folder.run)
    allure.write(folder.path, folder.run)
    missing = allure.generate(folder.path)
    if missing:
        remarks.append(missing)
    write_bundle(folder.path)
    return remarks
