#!/bin/sh
# Starts a media gateway or a user agent that is not ours, runs the SRTP purposes against it, and stops it.
#
#     run.sh rtpengine[:FLAG,...] [options of imsproof run]     flags go to rtpengine with each offer, as strict-source
#     run.sh gstreamer[:PROPERTY=VALUE,...] [options of imsproof run]     properties of srtpenc, as allow-repeat-tx=true
#     run.sh baresip[:MEDIAENC] [options of imsproof run]       srtp-mand (default), srtp or dtls_srtp
#
# The programs are Debian packages (profiles/kamailio/install.sh, profiles/fuzzing/install.sh; for GStreamer python3-gi,
# gir1.2-gstreamer-1.0, gstreamer1.0-plugins-good and -bad). Exit status: imsproof's; 4 when the program does not start.
set -eu
cd "$(dirname "$0")/../.."

what=${1%%:*}
how=$(printf %s "${1#"$what"}" | tr -d :)
shift
[ $# -gt 0 ] || set -- --family SRTP-SDES --family SRTP-DTLS --family SRTP-PKT --family SRTP-RTCP
case $what in
rtpengine) IMSPROOF_NG_FLAGS=$how ;;
gstreamer)
    export IMSPROOF_GST="$how" ;;
baresip)
    IMSPROOF_MEDIAENC=${how:-srtp-mand}
    IMSPROOF_KEYING=sdes
    [ "$IMSPROOF_MEDIAENC" != dtls_srtp ] || IMSPROOF_KEYING=dtls-srtp
    export IMSPROOF_MEDIAENC IMSPROOF_KEYING ;;
*)
    sed -n '2,9s/^# \{0,1\}//p' "$0" >&2
    exit 2 ;;
esac
export IMSPROOF_NG_FLAGS="${IMSPROOF_NG_FLAGS:-}"
exec .venv/bin/python profiles/fuzzing/up.py "$what" -- .venv/bin/imsproof run "profiles/interop-media/$what.yaml" "$@"
