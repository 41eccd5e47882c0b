"""A data-channel peer on GStreamer's webrtcbin (its own DTLS and SCTP elements, libnice): one webrtcbin for each call.

    python3 gstreamer-peer.py PORT [WRONG,...]

POST /offer/ID takes an offer (SDP) and answers with SDP; DELETE /offer/ID ends its call. WRONG makes it a bad peer on
purpose: other (the answer announces another certificate than the one that is shown).
"""

from __future__ import annotations

import re
import sys
import threading
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import gi

for name, version in (("Gst", "1.0"), ("GstSdp", "1.0"), ("GstWebRTC", "1.0")):
    gi.require_version(name, version)
from gi.repository import GLib, Gst, GstSdp, GstWebRTC  # noqa: E402 - their versions must be known first

ADDRESS = "127.0.0.1"
PAGE = '{"applications": []}\n'
PATIENCE = 5
WRONG = set(",".join(sys.argv[2:]).split(",")) - {""}


class Call:
    """One webrtcbin."""

    def __init__(self) -> None:
        self.pipeline = Gst.Pipeline.new(None)
        self.end = Gst.ElementFactory.make("webrtcbin", None)
        self.end.set_property("bundle-policy", GstWebRTC.WebRTCBundlePolicy.MAX_BUNDLE)
        self.pipeline.add(self.end)
        self.ice = self.end.get_property("ice-agent")  # it goes with the last that holds it
        self.ice.emit("add-local-ip-address", ADDRESS)
        self.pipeline.set_state(Gst.State.PLAYING)
        options = Gst.Structure.from_string("options, negotiated=(boolean)true, id=(int)0, protocol=(string)http")[0]
        self.channel = self.end.emit("create-data-channel", "bootstrap", options)
        self.channel.connect("on-message-string", self._asked)
        self.channel.connect("on-message-data", lambda channel, data: self._asked(channel, data.get_data().decode()))

    def _asked(self, channel: GstWebRTC.WebRTCDataChannel, request: str) -> None:
        found = request.startswith("GET / ")
        status = "200 OK" if found else "404 Not Found" if request.startswith("GET ") else "405 Method Not Allowed"
        body = PAGE if found else ""
        channel.emit("send-string", f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n{body}")

    def _ask(self, action: str, value: GstWebRTC.WebRTCSessionDescription | None, *, wanted: str = "") -> Any:
        promise = Gst.Promise.new()
        self.end.emit(action, value, promise)
        promise.wait()
        reply = promise.get_reply()
        if reply is not None and reply.has_field("error"):
            raise ValueError(reply.get_value("error").message)
        return reply.get_value(wanted).copy() if wanted else None  # what is replied goes with the promise

    def answer(self, sdp: str) -> str:
        """Take an offer; what is answered, with all candidates."""
        _, message = GstSdp.SDPMessage.new_from_text(sdp)
        offer = GstWebRTC.WebRTCSessionDescription.new(GstWebRTC.WebRTCSDPType.OFFER, message)
        self._ask("set-remote-description", offer)
        answer = self._ask("create-answer", None, wanted="answer")
        gathered, complete = threading.Event(), GstWebRTC.WebRTCICEGatheringState.COMPLETE
        self.end.connect("notify::ice-gathering-state", lambda *_: self._gathered(complete) and gathered.set())
        self._ask("set-local-description", answer)
        if not self._gathered(complete):
            gathered.wait(PATIENCE)
        return self.end.get_property("local-description").sdp.as_text()

    def _gathered(self, complete: GstWebRTC.WebRTCICEGatheringState) -> bool:
        return self.end.get_property("ice-gathering-state") == complete

    def close(self) -> None:
        """End it."""
        self.pipeline.set_state(Gst.State.NULL)


def named(sdp: str) -> str:
    """WebRTC wants a name for each media line, and to be told which share a port; IMS gives neither."""
    if "a=mid:" in sdp:
        return sdp
    session, *media = re.split(r"(?<=\n)(?=m=)", sdp)
    return session + "a=group:BUNDLE 0\r\n" + "".join(f"{one}a=mid:{number}\r\n" for number, one in enumerate(media))


class Hook(BaseHTTPRequestHandler):
    """Offers by HTTP."""

    calls: dict[str, Call] = {}  # noqa: RUF012 - one for all

    def do_POST(self) -> None:
        sdp = self.rfile.read(int(self.headers["content-length"])).decode()
        try:
            if self.path not in self.calls:  # or else it is a later offer of the same call
                self.calls[self.path] = Call()
            text, status = self.calls[self.path].answer(named(sdp)), 200
            if "other" in WRONG:
                other = sha256(b"other").digest().hex(":").upper()
                text = re.sub(r"(?m)^a=fingerprint:\S+ [0-9A-F:]+", f"a=fingerprint:sha-256 {other}", text)
        except (ValueError, AttributeError) as error:
            text, status = str(error), 488
        self._say(status, text.encode())

    def do_DELETE(self) -> None:
        if call := self.calls.pop(self.path, None):
            call.close()
        self._say(200, b"")

    def _say(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("content-type", "application/sdp")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


Gst.init(None)
server = ThreadingHTTPServer((ADDRESS, int(sys.argv[1])), Hook)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(f"ready: {Gst.version_string()}", flush=True)
GLib.MainLoop().run()
