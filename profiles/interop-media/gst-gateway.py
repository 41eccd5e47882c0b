"""GStreamer's srtpdec and srtpenc (libsrtp) as a media gateway with SDES on a bench.

    gst-gateway.py ADDRESS PORT [PROPERTY=VALUE...]      properties of srtpenc, as allow-repeat-tx=true

``POST /CALL/FAR-ADDRESS/FAR-PORT`` with an offer makes a call between SRTP and plain RTP at the far address, ``DELETE``
ends it. It runs with Debian's Python, whose modules (python3-gi) these are.
"""

from __future__ import annotations

import base64
import re
import secrets
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import gi

gi.require_version("Gst", "1.0")
from gi.repository import Gst  # noqa: E402 - its version is chosen above

SUITES = {
    "AES_CM_128_HMAC_SHA1_80": (30, "aes-128-icm", "hmac-sha1-80", "hmac-sha1-80"),
    "AES_CM_128_HMAC_SHA1_32": (30, "aes-128-icm", "hmac-sha1-32", "hmac-sha1-80"),
    "AEAD_AES_128_GCM": (28, "aes-128-gcm", "null", "null"),
    "AEAD_AES_256_GCM": (44, "aes-256-gcm", "null", "null"),
}
RTP = "application/x-rtp,media=audio,clock-rate=8000,encoding-name=PCMU,payload=0"
PIPELINE = f"""
udpsrc name=access address={{own}} port=0 caps=application/x-srtp ! srtpdec name=dec
dec.rtp_src ! udpsink name=core_out host={{far}} port={{far_port}} sync=false async=false
dec.rtcp_src ! udpsink name=core_rtcp_out host={{far}} port={{far_rtcp}} sync=false async=false
udpsrc name=core address={{own}} port=0 caps={RTP} ! enc.rtp_sink_0
udpsrc name=core_rtcp address={{own}} port=0 caps=application/x-rtcp ! enc.rtcp_sink_0
srtpenc name=enc rtp-cipher={{cipher}} rtp-auth={{auth}} rtcp-cipher={{cipher}} rtcp-auth={{rtcp_auth}} {{more}}
enc.rtp_src_0 ! funnel name=both ! udpsink name=access_out host={{peer}} port={{port}} sync=false async=false
enc.rtcp_src_0 ! both.
"""


def buffer(data: bytes) -> Any:
    """A GStreamer buffer."""
    return Gst.Buffer.new_wrapped(data)


class Call:
    """One call."""

    def __init__(self, own: str, far: tuple[str, int]) -> None:
        """Nothing runs until an offer is answered."""
        self.own, self.far, self.pipeline = own, far, None

    def answer(self, sdp: str) -> str:
        """An answer; an empty text refuses."""
        line = next((one for one in map(self._line, sdp.splitlines()) if one), None)
        media = re.search(r"^m=audio (\d+) RTP/SAVP ", sdp, re.MULTILINE)
        where = re.search(r"^c=IN IP4 (\S+)", sdp, re.MULTILINE)
        if line is None or media is None or where is None:
            return ""
        tag, suite, theirs = line
        size, cipher, auth, rtcp_auth = SUITES[suite]
        key = secrets.token_bytes(size)
        host, port = self.far
        more = " ".join(sys.argv[3:])
        words = {
            "more": more,
            "own": self.own,
            "far": host,
            "far_port": port,
            "far_rtcp": port + 1,
            "peer": where[1],
            "port": media[1],
        }
        self.pipeline = Gst.parse_launch(
            PIPELINE.format(**words, cipher=cipher, auth=auth, rtcp_auth=rtcp_auth).replace("\n", " ")
        )
        found = self.pipeline.get_by_name
        found("enc").set_property("key", buffer(key))
        caps = Gst.Caps.from_string(
            f"application/x-srtp,srtp-cipher={cipher},srtp-auth={auth},srtcp-cipher={cipher},srtcp-auth={rtcp_auth},"
            f"srtp-key=(buffer){theirs.hex()}"
        )
        found("dec").connect("request-key", lambda *_: caps)
        for source, sink in (("access", "access_out"), ("core", "core_out"), ("core_rtcp", "core_rtcp_out")):
            found(source).set_state(Gst.State.READY)  # it has a socket from then on, and the sink none yet
            found(sink).set_property("close-socket", False)
            found(sink).set_property("socket", found(source).get_property("used-socket"))
        self.pipeline.set_state(Gst.State.PLAYING)
        self.pipeline.get_state(Gst.SECOND)
        lines = ["v=0", f"o=- 1 1 IN IP4 {self.own}", "s=-", f"c=IN IP4 {self.own}", "t=0 0"]
        lines += [f"m=audio {found('access').get_property('port')} RTP/SAVP 0", "a=rtpmap:0 PCMU/8000", "a=rtcp-mux"]
        lines += [f"a=crypto:{tag} {suite} inline:{base64.b64encode(key).decode()}"]
        return "".join(f"{one}\r\n" for one in lines)

    def _line(self, line: str) -> tuple[str, str, bytes] | None:
        found = re.fullmatch(r"a=crypto:(\d+) (\w+) inline:([A-Za-z0-9+/]+=*)(\|2\^\d+|\|\d+)?", line)
        if not found or found[2] not in SUITES:
            return None
        key = base64.b64decode(found[3] + "=" * (-len(found[3]) % 4))
        return (found[1], found[2], key) if len(key) == SUITES[found[2]][0] else None

    def end(self) -> None:
        """The end of the call."""
        if self.pipeline is not None:
            self.pipeline.set_state(Gst.State.NULL)


def hook(own: str) -> type[BaseHTTPRequestHandler]:
    """What takes offers."""
    calls: dict[str, Call] = {}

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            _, _, far, port = self.path.split("/")
            call = calls[self.path] = Call(own, (far, int(port)))
            self._say(call.answer(self.rfile.read(int(self.headers["content-length"])).decode()))

        def do_DELETE(self) -> None:
            call = calls.pop(self.path, None)
            if call is not None:
                call.end()
            self._say("ended")

        def _say(self, text: str) -> None:
            self.send_response(200 if text else 488)
            self.send_header("content-length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            """Be quiet."""

    return Hook


if __name__ == "__main__":
    Gst.init(None)
    ThreadingHTTPServer((sys.argv[1], int(sys.argv[2])), hook(sys.argv[1])).serve_forever()
