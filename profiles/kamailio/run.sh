#!/bin/sh
# make run-real: starts each configuration of the real lab, runs the purposes that apply to it, stops it, and compares
# the verdicts with those that were looked at by hand (expected-*.json).
#
#     run.sh [CONFIGURATION...]              registrar, default, hardened, e2dce, datachannel; all if none is named
#     run.sh --keep CONFIGURATION            starts it and leaves it running in the foreground (make lab-real)
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../.."

"$here/install.sh"
up=".venv-real/bin/python $here/lab/up.py"
if [ "${1:-}" = --keep ]; then
    exec $up "${2:-default}"
fi

worst=0
for configuration in ${*:-registrar default hardened e2dce datachannel}; do
    profile=profiles/kamailio-$configuration.yaml
    [ "$configuration" = registrar ] && profile=profiles/kamailio.yaml
    only= # the media function is tried in full alone; through the core it is enough to see that it is reached
    [ "$configuration" = e2dce ] && only="--purpose DC-DTLS-01 --purpose DC-FP-01 --purpose DC-APP-01"
    last= # these leave contacts behind that nobody had to authenticate; a call to them ends the core (findings, F11)
    [ "$configuration" = default ] && last="--last GM-MALFORMED-(?!16|19)"
    folder=reports/real-lab/$(date -u +%Y%m%dT%H%M%S)-$$-$configuration
    set -f # the words of only and last are no patterns of files
    # shellcheck disable=SC2086 # lists of words
    $up "$configuration" --dir "$folder" -- .venv-real/bin/python "$here/lab/verdicts.py" $last \
        --expected "$here/expected-$configuration.json" -- .venv/bin/imsproof run "$profile" $only || {
        status=$?
        [ "$status" -gt "$worst" ] && worst=$status
    }
    .venv/bin/python "$here/lab/agree.py" "$folder" || worst=$((worst > 1 ? worst : 1))
done
exit "$worst"
