#!/bin/sh
# make fuzz-real: a campaign against each target that is not ours, for a stated time each (BUDGET=60s), by volume and by
# Hypothesis; SIP targets by the named anomalies too. Names as arguments choose some. Exit status 1: something was found.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../.."
"$here/install.sh"
budget=${BUDGET:-60s} seed=${SEED:-7} out=reports/fuzz-real
worst=0
note() { status=$1; [ "$status" -gt "$worst" ] && worst=$status; return 0; }

campaign() { # name, target, profile, what makes the cases
    set -- "$1" .venv/bin/imsproof fuzz "$3" --target "$2" --by "$4" --budget "$budget" --seed "$seed" --grow --out "$out"
    name=$1
    shift
    if [ "$name" = kamailio ]; then
        .venv-real/bin/python profiles/kamailio/lab/up.py registrar -- "$@" || note $?
    else
        .venv-real/bin/python "$here/up.py" "$name" -- "$@" || note $?
    fi
}

for name in ${*:-kamailio baresip sipp rtpengine coturn}; do
    case $name in
    kamailio) target=gm-sip profile=profiles/kamailio.yaml ;;
    baresip | sipp) target=gm-sip profile=$here/ua.yaml ;;
    rtpengine) target=ng profile=$here/ng.yaml ;;
    coturn) target=stun profile=$here/stun.yaml ;;
    *) echo "unknown target $name" >&2 && exit 2 ;;
    esac
    for by in volume hypothesis; do campaign "$name" "$target" "$profile" "$by"; done
    [ "$target" = gm-sip ] && campaign "$name" "$target" "$profile" systematic
done
exit "$worst"
