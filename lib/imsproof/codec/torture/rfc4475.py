"""The messages of RFC 4475, built in code after the RFC's descriptions, with what each role may do with them.

Domains and users are those of the lab that is tested, so that a refusal is about the form and not about a stranger's
name. Where the RFC lets a liberal element overlook a mistake, the case is ``either``.
"""

from __future__ import annotations

from imsproof.codec.torture.draft import (
    ANY,
    DROP,
    PROCESS,
    STOP,
    Aim,
    Case,
    Kind,
    body,
    case,
    drop,
    header,
    length,
    line,
    rewrite,
    start,
    tail,
)

VALID, INVALID, EITHER = Kind.VALID, Kind.INVALID, Kind.EITHER
SDP = (
    "v=0\r\no=mhandley 29739 7272939 IN IP4 192.0.2.3\r\ns=-\r\nc=IN IP4 192.0.2.4\r\nt=0 0\r\n"
    "m=audio 49217 RTP/AVP 0 12\r\nm=video 3227 RTP/AVP 31\r\na=rtpmap:31 LPC\r\n"
)
TORTURED_METHOD = "!interesting-Method0123456789_*+`.%indeed'~"
LONG = "long" * 60


def _rfc(section: str) -> str:
    return f"RFC 4475 {section}"


VALID_CASES = (
    case(
        "wsinv",
        _rfc("3.1.1.1"),
        "folding, odd spacing, compact names and unknown headers",
        VALID,
        "INVITE",
        start("INVITE $uri;unknownparam SIP/2.0"),
        drop("Via", "From", "To", "Max-Forwards", "CSeq", "Contact"),
        line("TO :\r\n <$callee> ;   unknown    = 1918181833n"),
        line('from   : "J Rosenberg \\\\\\""       <$user>\r\n  ;\r\n  tag = 98asjd8'),
        line("MaX-fOrWaRdS: 0068"),
        line("cseq: 0009\r\n  INVITE"),
        line("Via  : SIP  /   2.0\r\n /$transport\r\n    $by;branch=z9hG4bK$token;rport"),
        line("s :"),
        line("NewFangledHeader:   newfangled value\r\n continued newfangled value"),
        line("UnknownHeaderWithUnusualValue: ;;,,;;,;"),
        line(
            "v:  SIP  / 2.0  / TCP     spindle.example.com   ;\r\n  branch  =   z9hG4bK9ikj8  ,\r\n"
            " SIP  /    2.0   / UDP  192.168.255.111   ; branch=\r\n z9hG4bK30239"
        ),
        line('m:"Quoted string \\"\\"" <sip:jdrosen@$by> ; newparam =\r\n      newvalue ;\r\n  secondparam ; q = 0.33'),
        body(SDP, "application/sdp"),
    ),
    case(
        "intmeth",
        _rfc("3.1.1.2"),
        "every character that tokens and URIs may have",
        VALID,
        TORTURED_METHOD,
        header("To", '"BEL:\\\x07 NUL:\\\x00 DEL:\\\x7f" <$callee>'),
        header(
            "From",
            "token1~` token2'+_ token3*%!.- <sip:mundane@$domain>;fromParam''~+*_!.-%=\"\u044f\";tag=_token~1'+`*%!-.",
        ),
        header("Call-ID", "$token.intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{"),
        line("extensionHeader-!.%*+_`'~: \ufeff\u5927\u505c\u96fb"),
    ),
    case(
        "esc01",
        _rfc("3.1.1.3"),
        "escapes in the user part and in header names of a URI",
        VALID,
        "INVITE",
        header("From", "<sip:I%20have%20spaces@$domain>;tag=938"),
        header("Contact", "<sip:caller%40elsewhere@$by;%6C%72;n%61me=v%61lue%25%34%31>"),
        body(SDP, "application/sdp"),
    ),
    case(
        "escnull",
        _rfc("3.1.1.4"),
        "escaped NULs in URIs",
        VALID,
        "REGISTER",
        header("Contact", "<sip:%00@$by>"),
        line("Contact: <sip:%00%00@$by>"),
        registrar=PROCESS | STOP,  # a registrar may refuse a contact that it will not store
    ),
    case(
        "esc02",
        _rfc("3.1.1.5"),
        "a percent sign that begins no escape",
        VALID,
        "RE%47IST%45R",
        header("From", "%Z%45 <$user>;tag=f232jadfj23"),
        header("Contact", "<sip:alias1@$by>, <sip:%5Talias2@$by>"),
        registrar=PROCESS | STOP,
    ),
    case(
        "lwsdisp",
        _rfc("3.1.1.6"),
        "no space between display name and bracket",
        VALID,
        "OPTIONS",
        header("From", "caller<$user>;tag=323"),
    ),
    case(
        "longreq",
        _rfc("3.1.1.7"),
        "long values in many headers",
        VALID,
        "INVITE",
        header("To", f'"I have a user name of {"extreme" * 10} proportion" <$callee>'),
        header("From", f"<$user>;tag=12982982982{'424' * 40};unknownheaderparam{LONG}name={LONG}value"),
        header("Call-ID", f"$token{'a' * 200}"),
        line(f"Unknown-{LONG}-Name: unknown-{LONG}-value;unknown-{LONG}-parameter-name={LONG}"),
        *(line(f"Via: SIP/2.0/TCP sip{number}.example.com", before="Max-Forwards") for number in range(30, 0, -1)),
        body(SDP, "application/sdp"),
    ),
    case(
        "dblreq",
        _rfc("3.1.1.8"),
        "more bytes in the datagram than the message has",
        VALID,
        "REGISTER",
        tail(
            "INVITE sip:joe@$domain SIP/2.0\r\nt: <sip:joe@$domain>\r\nFrom: <$user>;tag=141334\r\nMax-Forwards: 8\r\n"
            "Call-ID: dblreq.$token.inner\r\nCSeq: 8 INVITE\r\nVia: SIP/2.0/UDP $by;branch=z9hG4bKkdjuw\r\n"
            "Content-Length: 0\r\n\r\n"
        ),
        datagram=True,
    ),
    case(
        "semiuri",
        _rfc("3.1.1.9"),
        "a semicolon in the user part",
        VALID,
        "OPTIONS",
        start("OPTIONS sip:user;par=u%40example.net@$domain SIP/2.0"),
        header("To", "<sip:j_user@$domain>"),
    ),
    case(
        "transports",
        _rfc("3.1.1.10"),
        "known and unknown transports in Via",
        VALID,
        "OPTIONS",
        *(
            line(f"Via: SIP/2.0/{name} t{number}.example.com;branch=z9hG4bKkdjuw{number}", before="Max-Forwards")
            for number, name in enumerate(("SCTP", "TLS", "UNKNOWN", "TCP"))
        ),
    ),
    case(
        "mpart01",
        _rfc("3.1.1.11"),
        "a body of several parts, one of them binary",
        VALID,
        "MESSAGE",
        body(
            b"--7a9cbec02ceef655\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: binary\r\n\r\nHello\r\n"
            b"--7a9cbec02ceef655\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: binary\r\n\r\n"
            + bytes(range(256))
            + b"\r\n--7a9cbec02ceef655--\r\n",
            "multipart/mixed;boundary=7a9cbec02ceef655",
        ),
    ),
)

RESPONSES = (
    case(
        "unreason",
        _rfc("3.1.1.12"),
        "a reason phrase in another script",
        VALID,
        "INVITE",
        start("SIP/2.0 200 = 2**3 * 5**2 \u043d\u043e \u0441\u0442\u043e - \u043f\u0440\u043e\u0441\u0442\u043e\u0435"),
        proxy=DROP,
        registrar=DROP,
        ue=DROP,
    ),
    case(
        "noreason",
        _rfc("3.1.1.13"),
        "an empty reason phrase",
        VALID,
        "INVITE",
        start("SIP/2.0 100 "),
        proxy=DROP,
        registrar=DROP,
        ue=DROP,
    ),
    case(
        "scalarlg",
        _rfc("3.1.2.5"),
        "a response with numbers far out of range",
        INVALID,
        "INVITE",
        start("SIP/2.0 503 Service Unavailable"),
        header("CSeq", "9292394834772304023312 OPTIONS"),
        line("Retry-After: 949302838503028349304023988"),
        line('Warning: 1812 overture "In Progress"'),
        proxy=DROP,
        registrar=DROP,
        ue=DROP,
    ),
    case(
        "bigcode",
        _rfc("3.1.2.19"),
        "a status code beyond 32 bits",
        INVALID,
        "INVITE",
        start("SIP/2.0 4294967301 better not break the receiver"),
        proxy=DROP,
        registrar=DROP,
        ue=DROP,
    ),
    case(
        "bcast",
        _rfc("3.3.10"),
        "a response for somebody else's Via",
        INVALID,
        "INVITE",
        start("SIP/2.0 200 OK"),
        header("Via", "SIP/2.0/UDP 192.0.2.198;branch=z9hG4bK1324923"),
        line("Via: SIP/2.0/UDP 255.255.255.255;branch=z9hG4bK1saber23", before="Max-Forwards"),
        proxy=DROP,
        registrar=DROP,
        ue=DROP,
    ),
)

INVALID_CASES = (
    case(
        "badinv01",
        _rfc("3.1.2.1"),
        "empty parameters and empty list members",
        INVALID,
        "INVITE",
        rewrite("Via", lambda text: text + ";;,;,,"),
        header("Contact", '"Joe" <sip:joe@$by>;;;;'),
        statuses=(400,),
    ),
    case(
        "clerr",
        _rfc("3.1.2.2"),
        "a Content-Length beyond the datagram",
        INVALID,
        "INVITE",
        body(SDP, "application/sdp"),
        length("9999"),
        statuses=(400,),
        datagram=True,
    ),
    case("ncl", _rfc("3.1.2.3"), "a negative Content-Length", INVALID, "REGISTER", length("-999"), statuses=(400,)),
    case(
        "scalar02",
        _rfc("3.1.2.4"),
        "numbers far out of range",
        INVALID,
        "REGISTER",
        header("CSeq", "36893488147419103232 $method"),
        header("Max-Forwards", "300"),
        line("Expires: 10000000000000000000000"),
        statuses=(400,),
    ),
    case(
        "quotbal",
        _rfc("3.1.2.6"),
        "a quoted string without its end",
        EITHER,
        "INVITE",
        header("To", '"Mr. J. User <$callee>'),
        statuses=(400,),
    ),
    case(
        "ltgtruri",
        _rfc("3.1.2.7"),
        "brackets around the Request-URI",
        EITHER,
        "INVITE",
        start("$method <$uri> SIP/2.0"),
        statuses=(400,),
    ),
    case(
        "lwsruri",
        _rfc("3.1.2.8"),
        "a space inside the Request-URI",
        EITHER,
        "INVITE",
        start("$method $uri; lr SIP/2.0"),
        statuses=(400,),
    ),
    case(
        "lwsstart",
        _rfc("3.1.2.9"),
        "several spaces in the request line",
        EITHER,
        "INVITE",
        start("$method  $uri  SIP/2.0"),
        statuses=(400,),
    ),
    case(
        "trws",
        _rfc("3.1.2.10"),
        "spaces at the end of the request line",
        EITHER,
        "OPTIONS",
        start("$method $uri SIP/2.0  "),
        statuses=(400,),
    ),
    case(
        "escruri",
        _rfc("3.1.2.11"),
        "escaped headers in the Request-URI",
        EITHER,
        "INVITE",
        start("$method $uri?Route=%3Csip:$domain%3E SIP/2.0"),
        statuses=(400,),
    ),
    case(
        "baddate",
        _rfc("3.1.2.12"),
        "a Date that is not in GMT",
        EITHER,
        "INVITE",
        line("Date: Fri, 01 Jan 2010 16:00:00 EST"),
        statuses=(400,),
    ),
    case(
        "regbadct",
        _rfc("3.1.2.13"),
        "a Contact with escaped headers and no brackets",
        EITHER,
        "REGISTER",
        header("Contact", "sip:user@$by?Route=%3Csip:sip.$domain%3E"),
        statuses=(400,),
    ),
    case(
        "badaspec",
        _rfc("3.1.2.14"),
        "spaces inside an address",
        EITHER,
        "OPTIONS",
        header("To", '"Watson, Thomas" < $callee >'),
        statuses=(400,),
    ),
    case(
        "baddn",
        _rfc("3.1.2.15"),
        "a display name that needed quotes",
        EITHER,
        "OPTIONS",
        header("From", "Bell, Alexander <$user>;tag=43"),
        statuses=(400,),
    ),
    case(
        "badvers",
        _rfc("3.1.2.16"),
        "an unknown protocol version",
        INVALID,
        "OPTIONS",
        start("$method $uri SIP/7.0"),
        rewrite("Via", lambda text: text.replace("SIP/2.0", "SIP/7.0", 1)),
        statuses=(505,),
    ),
    case(
        "mismatch01",
        _rfc("3.1.2.17"),
        "a method in CSeq that is not the request's",
        INVALID,
        "OPTIONS",
        header("CSeq", "8 INVITE"),
        statuses=(400,),
    ),
    case(
        "mismatch02",
        _rfc("3.1.2.18"),
        "an unknown method, and another in CSeq",
        INVALID,
        "NEWMETHOD",
        header("CSeq", "8 INVITE"),
        statuses=(400, 501),
    ),
)

TRANSACTION_CASES = (
    case(
        "badbranch",
        _rfc("3.2.1"),
        "a branch that is the magic cookie alone",
        EITHER,
        "OPTIONS",
        header("Via", "SIP/2.0/$transport $by;branch=z9hG4bK;rport"),
    ),
)

APPLICATION_CASES = (
    case(
        "insuf",
        _rfc("3.3.1"),
        "From, To and Call-ID are missing",
        INVALID,
        "INVITE",
        drop("From", "To", "Call-ID"),
        statuses=(400,),
    ),
    case(
        "unkscm",
        _rfc("3.3.2"),
        "an unknown scheme in the Request-URI",
        INVALID,
        "OPTIONS",
        start("$method nobodyKnowsThisScheme:totallyopaquecontent SIP/2.0"),
        statuses=(416,),
    ),
    case(
        "novelsc",
        _rfc("3.3.3"),
        "a known scheme that is none of SIP's",
        INVALID,
        "OPTIONS",
        start("$method soap.beep://192.0.2.103:3002 SIP/2.0"),
        statuses=(416,),
    ),
    case(
        "unksm2",
        _rfc("3.3.4"),
        "unknown schemes in From, To and Contact",
        EITHER,
        "REGISTER",
        header("To", "isbn:2983792873"),
        header("From", "<http://www.$domain>;tag=3234233"),
        header("Contact", "<name:John_Smith>"),
        statuses=(400, 403, 404, 416),
    ),
    case(
        "bext01",
        _rfc("3.3.5"),
        "unknown extensions in Require and Proxy-Require",
        INVALID,
        "OPTIONS",
        line("Require: nothingSupportsThis, nothingSupportsThisEither"),
        line("Proxy-Require: noProxiesSupportThis, norDoAnyProxiesSupportThis"),
        statuses=(420,),
    ),
    case(
        "invut",
        _rfc("3.3.6"),
        "a body of an unknown type",
        INVALID,
        "INVITE",
        body('<audio>\r\n <pcmu port="443"/>\r\n</audio>\r\n', "application/unknownformat"),
        proxy=ANY,
        registrar=ANY,
        statuses=(415,),
    ),
    case(
        "regaut01",
        _rfc("3.3.7"),
        "credentials of an unknown scheme",
        EITHER,
        "REGISTER",
        line("Authorization: NoOneKnowsThisScheme opaque-data=here"),
        statuses=(401, 403),
    ),
    case(
        "multi01",
        _rfc("3.3.8"),
        "several values in headers that may stand once",
        INVALID,
        "INVITE",
        line("Call-ID: other-$token"),
        line("CSeq: 59 INVITE"),
        line("From: <sip:other.caller@$domain>;tag=39291"),
        line("To: <sip:another@$domain>"),
        line("Max-Forwards: 5"),
        statuses=(400,),
    ),
    case(
        "mcl01",
        _rfc("3.3.9"),
        "two values of Content-Length",
        INVALID,
        "OPTIONS",
        body("There's no way to know how many octets are supposed to be here.", "text/plain"),
        line("Content-Length: 13"),
        line("Content-Length: 5"),
        statuses=(400,),
    ),
    case(
        "zeromf",
        _rfc("3.3.11"),
        "Max-Forwards of zero",
        EITHER,
        "OPTIONS",
        header("Max-Forwards", "0"),
        proxy=STOP,
        registrar=ANY,
        ue=PROCESS,
        statuses=(483,),
    ),
    case(
        "cparam01",
        _rfc("3.3.12"),
        "a parameter after a bare Contact URI",
        VALID,
        "REGISTER",
        header("Contact", "sip:$token@$by;unknownparam"),
        registrar=PROCESS | STOP,
    ),
    case(
        "cparam02",
        _rfc("3.3.13"),
        "an unknown parameter inside the Contact's brackets",
        VALID,
        "REGISTER",
        header("Contact", "<sip:$token@$by;unknownparam>"),
    ),
    case(
        "regescrt",
        _rfc("3.3.14"),
        "an escaped Route in a Contact",
        VALID,
        "REGISTER",
        header("Contact", "<sip:$token@$by?Route=%3Csip:sip.$domain%3E>"),
        registrar=PROCESS | STOP,
    ),
    case(
        "sdp01",
        _rfc("3.3.15"),
        "an Accept that leaves no way to answer",
        INVALID,
        "INVITE",
        line("Accept: text/nobodyKnowsThis"),
        body(SDP, "application/sdp"),
        proxy=ANY,
        registrar=ANY,
        statuses=(406,),
    ),
    case(
        "inv2543",
        _rfc("3.4.1"),
        "an INVITE of RFC 2543: no branch, no Max-Forwards, no tag",
        VALID,
        "INVITE",
        header("Via", "SIP/2.0/$transport $by;rport"),
        header("From", "<$user>"),
        drop("Max-Forwards", "Contact"),
        body(SDP, "application/sdp"),
    ),
)

ALL = (*VALID_CASES, *RESPONSES, *INVALID_CASES, *TRANSACTION_CASES, *APPLICATION_CASES)
"""The 49 messages that the RFC names."""

BY_NAME = {one.name: one for one in ALL}


def messages(aim: Aim) -> dict[str, bytes]:
    """Return every message by its name in the RFC, written for a lab."""
    return {one.name: one.message(aim) for one in ALL}


def named(*names: str) -> tuple[Case, ...]:
    """Return cases by name (``KeyError`` for one that the RFC does not have)."""
    return tuple(BY_NAME[name] for name in names)
