"""The same REGISTER, fuzzed by boofuzz 0.4.2 in an environment of its own: ``boofuzz_register.py HOST PORT CASES``.

Everything that costs time and decides nothing is off: web page, database, logs, pauses. After each case it reads what
comes back for at most 10 ms, which is how it sees that the target lives. Prints cases a second.
"""

from __future__ import annotations

import sys
import time

from boofuzz import (  # type: ignore[import-not-found]  # of the other environment
    Block,
    Delim,
    Request,
    Session,
    Static,
    String,
    Target,
    UDPSocketConnection,
)

HEADERS = {
    "Via": "SIP/2.0/UDP tester.invalid:5060;branch=z9hG4bK0123456789abcdef;rport",
    "Max-Forwards": "70",
    "From": "<sip:alice@real.example>;tag=01234567",
    "To": "<sip:alice@real.example>",
    "Call-ID": "0123456789abcdef",
    "CSeq": "1 REGISTER",
    "Contact": "<sip:01234567@tester.invalid:5060>",
    "Content-Length": "0",
}


def main() -> None:
    """Fuzz for so many cases."""
    host, port, cases = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    rows = [
        String("method", "REGISTER"),
        Delim("s1", " "),
        String("uri", "sip:real.example"),
        Static("v", " SIP/2.0\r\n"),
    ]
    for name, value in HEADERS.items():
        rows += [Static(f"{name}n", f"{name}: "), String(name, value), Static(f"{name}e", "\r\n")]
    request = Request("REGISTER", children=(Block("all", children=(*rows, Static("end", "\r\n"))),))
    session = Session(
        target=Target(connection=UDPSocketConnection(host, port, recv_timeout=0.01, bind=("127.0.0.1", 45061))),
        fuzz_loggers=[],
        web_port=None,
        keep_web_open=False,
        sleep_time=0.0,
        receive_data_after_each_request=True,
        receive_data_after_fuzz=True,
        check_data_received_each_request=False,
        ignore_connection_reset=True,
        ignore_connection_aborted=True,
        index_end=cases,
        db_filename=":memory:",
    )
    session.connect(request)
    begun = time.monotonic()
    session.fuzz()
    print(session.num_cases_actually_fuzzed / (time.monotonic() - begun))


main()
