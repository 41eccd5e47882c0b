#!/bin/sh
# make run-real: starts each configuration of the real lab, runs the purposes that apply to it, stops it, and compares
# the verdicts with those that were looked at by hand (expected-*.json).
#
#     run.sh [CONFIGURATION...]              registrar, default, hardened, e2dce, datachannel; all if none is named
#     run.sh --keep CONFIGURATION            starts it and leaves it running in the foreground (make lab-real)
#     run.sh --steady COUNT CONFIGURATION    runs it again and again and says whose verdict changed (make steady)
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../.."

"$here/install.sh"
python=.venv-real/bin/python
up="$python $here/lab/up.py"

one() { # CONFIGURATION FOLDER
    profile=profiles/kamailio-$1.yaml
    [ "$1" = registrar ] && profile=profiles/kamailio.yaml
    only= # the media function is tried in full alone; through the core it is enough to see that it is reached
    [ "$1" = e2dce ] && only="--purpose DC-DTLS-01 --purpose DC-FP-01 --purpose DC-APP-01"
    # shellcheck disable=SC2086 # a list of words
    $python "$here/lab/verdicts.py" --dir "$2" --lab "$up $1" --expected "$here/expected-$1.json" \
        -- .venv/bin/imsproof run "$profile" $only
}

folder() { echo "reports/real-lab/$(date -u +%Y%m%dT%H%M%S)-$$-$1"; }

if [ "${1:-}" = --keep ]; then
    exec $up "${2:-default}"
fi

if [ "${1:-}" = --steady ]; then
    folders=
    for number in $(seq "$2"); do
        new=$(folder "$3")-$number
        folders="$folders $new"
        status=0
        one "$3" "$new" >"$new.log" 2>&1 || status=$?
        echo "$3, run $number of $2: exit status $status, load $(cut -d' ' -f1 /proc/loadavg)"
    done
    exec $python "$here/lab/steady.py" $folders
fi

worst=0
for configuration in ${*:-registrar default hardened e2dce datachannel}; do
    new=$(folder "$configuration")
    one "$configuration" "$new" || {
        status=$?
        [ "$status" -gt "$worst" ] && worst=$status
    }
    .venv/bin/python "$here/lab/agree.py" "$new" || worst=$((worst > 1 ? worst : 1))
done
exit "$worst"
