#!/usr/bin/env bash
# Holds the API against its own description with schemathesis, see docs/api.md: what the description allows is accepted,
# what it forbids is refused, and every answer has a status, a content type and a shape that it names.
#   tests/schemathesis.sh [--seed N] [--max-examples N] [ARGUMENTS OF SCHEMATHESIS...]
#
# Every operation is asked with every check, with the owner's token; nothing is left out, and what is set otherwise than by
# default is argued in tests/schemathesis/schemathesis.toml. Schemathesis is installed under target/, in a pinned version.
# The supervisor listens on a free port of the loopback interface and has a home of its own, which is removed afterwards. So
# it is safe to ask for all there is: no channel, no provider and no Beeminder is configured in that home, and nothing leaves
# this machine; backups are written below it, of a log that is small; the description names no actor as an example, and a
# drill of one that does not exist stops nothing. MECRIS names another binary than that of this tree.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly version=4.32.5
readonly root=$PWD
readonly cache=$root/target/schemathesis
readonly mecris=${MECRIS:-$root/target/debug/mecris}
seed=1 examples=50 rest=()
while [ "$#" -gt 0 ]; do
    case $1 in
        --seed) seed=$2 && shift 2 ;;
        --max-examples) examples=$2 && shift 2 ;;
        *) rest+=("$1") && shift ;;
    esac
done

if [ "$("$cache/venv/bin/schemathesis" --version 2> /dev/null)" != "schemathesis, version $version" ]; then
    echo "Installing schemathesis $version"
    python3 -m venv --clear "$cache/venv"
    "$cache/venv/bin/pip" install --quiet --disable-pip-version-check "schemathesis==$version"
fi
[ -n "${MECRIS:-}" ] || cargo build --locked --bin mecris

work=$(mktemp -d)
server=
stop() {
    [ -z "$server" ] || kill "$server" 2> /dev/null || true
    [ -z "$server" ] || wait "$server" 2> /dev/null || true
    rm -rf "$work"
}
trap stop EXIT
trap 'exit 130' INT TERM

# What there is to ask about: a transcript and a vault.
clean=(env -i "HOME=$work" "PATH=$PATH" "TMPDIR=$work" TZ=UTC)
cp -r tests/schemathesis/home/. "$work"
mkdir -p "$work/.config/mecris"
printf '[vault]\npath = "%s/vault"\n' "$work" > "$work/.config/mecris/config.toml"
"${clean[@]}" "$mecris" run --listen 127.0.0.1:0 > "$work/out" 2> "$work/err" &
server=$!
url=
for _ in $(seq 300); do
    url=$(grep -om1 'http://127\.0\.0\.1:[0-9]*' "$work/out" || true)
    [ -z "$url" ] || break
    kill -0 "$server" 2> /dev/null || break
    sleep 0.1
done
[ -n "$url" ] || { echo "tests/schemathesis.sh: the supervisor does not start:" >&2; cat "$work/out" "$work/err" >&2; exit 1; }

# One of each thing that an operation's path or query names in its example.
token=$(cat "$work/.local/share/mecris/tenants/local/token")
while read -r method path body; do
    curl --silent --show-error --fail --output /dev/null --request "$method" --header "authorization: Bearer $token" \
        --header 'content-type: application/json' --data "$body" "$url$path"
done < tests/schemathesis/given.txt

code=0
# It writes beside where it runs.
cd "$work"
MECRIS_TOKEN=$token "$cache/venv/bin/schemathesis" --config-file "$root/tests/schemathesis/schemathesis.toml" run \
    --checks all --seed "$seed" --max-examples "$examples" --generation-database none --no-color \
    "${rest[@]}" "$url/api/v1/openapi.json" || code=$?
# Whatever was asked, it lives.
curl --silent --show-error --fail "$url/health/live" > /dev/null || { cat "$work/err" >&2; code=1; }
exit "$code"
