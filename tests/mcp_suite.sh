#!/usr/bin/env bash
# Holds Mecris against the Model Context Protocol's own suites, see docs/mcp.md:
#   tests/mcp_suite.sh           every round, about two minutes once all is built
#   tests/mcp_suite.sh WORD      the rounds whose names contain WORD: fixture, program, inspector, http, stdio, 2025-11-25 …
#
# The conformance suite and the inspector are installed under target/, by npm. Everything listens on the loopback
# interface, on free ports; data is in a temporary directory, which is removed. The suite's own words about each round
# stay in target/mcp-suite/results.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly node=22.23.3 conformance=0.2.0-alpha.12 inspector=2.12.0
readonly versions="2026-07-28 2025-11-25"
readonly root=$PWD only=${1:-}
readonly cache=$root/target/mcp-suite
readonly results=$cache/results
readonly fixture=$root/target/debug/examples/mcp_fixture mecris=$root/target/debug/mecris

work=$(mktemp -d)
children=()
stop() { # stop: ends what was started here, and nothing else
    for child in "${children[@]}"; do kill "$child" 2> /dev/null || true; done
    for child in "${children[@]}"; do wait "$child" 2> /dev/null || true; done
    children=()
}
trap 'stop; rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

install() { # install PACKAGE VERSION: into the cache, where that version is not there
    local manifest=$cache/node_modules/$1/package.json
    grep -qs "\"version\": \"$2\"" "$manifest" && return
    command -v npm > /dev/null || { echo "tests/mcp_suite.sh: npm is missing; install it: apt-get install npm" >&2; exit 1; }
    echo "Installing $1 $2"
    npm install --prefix "$cache" --no-audit --no-fund --loglevel=error "$1@$2" > /dev/null
}
mkdir -p "$cache"
[ -f "$cache/package.json" ] || echo '{"private": true}' > "$cache/package.json"
install node "$node"
export PATH=$cache/node_modules/.bin:$PATH
install @modelcontextprotocol/conformance "$conformance"
install @modelcontextprotocol/inspector "$inspector"
cargo build --locked --bin mecris --example mcp_fixture
rm -rf "$results" && mkdir -p "$results"

# Mecris and what speaks to it know nothing but this home.
clean=(env -i "HOME=$work" "PATH=$PATH" "TMPDIR=$work" TZ=UTC)

start() { # start COMMAND...: in the background; sets `url` to what it says it listens at
    local out said
    out=$(mktemp -p "$work")
    "${clean[@]}" "$@" > "$out" 2>> "$results/servers.log" &
    children+=("$!")
    for _ in $(seq 300); do
        said=$(grep -om1 'http://127\.0\.0\.1:[0-9]*' "$out" || true)
        if [ -n "$said" ]; then
            url=$said/mcp
            return
        fi
        sleep 0.1
    done
    echo "this does not say where it listens: $*" >&2
    cat "$results/servers.log" >&2
    exit 1
}

bad=0
row() { printf '%-34s %-10s  %6s  %14s  %-10s\n' "$@"; }
verdict() { # verdict CODE: says what it means, and remembers a bad one
    if [ "$1" = 0 ]; then said=ok; else said=UNEXPECTED bad=$((bad + 1)); fi
}

suite() { # suite NAME EXPECTED-FAILURES COMMAND...: all scenarios of both protocol versions against a server
    local name=$1 expected=$2 version log code
    shift 2
    for version in $versions; do
        case "$name $version" in *"$only"*) ;; *) continue ;; esac
        log="$results/${name// /-}-$version.log" code=0
        start "$@"
        conformance server --url "$url" --requirements "$version" --expected-failures "$expected" > "$log" 2>&1 || code=$?
        verdict "$code"
        row "$name" "$version" "$(grep -c '^✓' "$log" || true)" "$(grep -c '^✗' "$log" || true)" "$said"
            [ "$code" = 0 ] || sed -n '/Unexpected failures\|[Ss]tale\|Server test error/,$p' "$log" >&2
    done
}

ask() { # ask NAME TEST OPTIONS...: one request of the inspector; TEST is JavaScript about its answer `r`
    local name=$1 test=$2 out=$results/inspector.json code=0
    shift 2
    { "${clean[@]}" mcp-inspector --cli --quiet "$@" > "$out" 2>> "$results/inspector.log" \
        && node -e "const r = JSON.parse(require('fs').readFileSync(0)); if (!($test)) process.exit(1)" < "$out"; } || code=$?
    asked=$((asked + 1))
    [ "$code" = 0 ] && right=$((right + 1)) && return
    wrong=1
    echo "$name: $* -- not so: $test" >&2
    head -c 2000 "$out" >&2
}

inspect() { # inspect NAME SERVER...: what people do with the inspector, in both eras of the protocol
    local name=$1 era asked right wrong
    shift
    for era in modern legacy; do
        case "$name $era" in *"$only"*) ;; *) continue ;; esac
        asked=0 right=0 wrong=0
        local with=("$@" --protocol-era "$era")
        local inner="JSON.parse(r.content[0].text)" budget="r.structuredContent.budgets.find(b => b.name === 'books')"
        ask "$name" 'r.tools.length > 20 && r.tools.every(t => t.inputSchema.type === "object" && t.outputSchema && t.annotations)' \
            "${with[@]}" --method tools/list --strict
        # With the owner's token a budget is set; whoever comes over stdio is an agent, who is offered nothing that lifts a limit.
        case "$name" in
        *stdio) ask "$name" 'r.tools.every(t => t.name !== "update_budget")' "${with[@]}" --method tools/list ;;
        *) ask "$name" "$budget.amount_usd === '17.25' && $inner.budgets.length === r.structuredContent.budgets.length" \
            "${with[@]}" --method tools/call --tool-name update_budget --tool-args-json '{"name": "books", "amount_usd": "17.25"}' ;;
        esac
        ask "$name" "$budget.remaining_usd === '17.25' && !r.isError" \
            "${with[@]}" --method tools/call --tool-name get_budget_status
        ask "$name" '["mecris://narrator", "mecris://budget"].every(u => r.resources.some(x => x.uri === u))' \
            "${with[@]}" --method resources/list
        ask "$name" 'r.resourceTemplates.some(t => t.uriTemplate === "mecris://goals/{slug}")' \
            "${with[@]}" --method resources/templates/list
        ask "$name" 'JSON.parse(r.contents[0].text).budgets.some(b => b.name === "books" && b.amount_usd === "17.25")' \
            "${with[@]}" --method resources/read --uri mecris://budget
        ask "$name" 'typeof JSON.parse(r.contents[0].text) === "object"' \
            "${with[@]}" --method resources/read --uri mecris://narrator
        ask "$name" 'r.prompts.map(p => p.name).sort().join() === "before_costly_task,end_of_session,morning_brief"' \
            "${with[@]}" --method prompts/list
        ask "$name" 'r.messages[0].content.text.includes("repaint the shed") && r.messages[0].role === "user"' \
            "${with[@]}" --method prompts/get --prompt-name before_costly_task --prompt-args "task=repaint the shed" usd=5
        verdict "$wrong"
        row "$name" "$era" "$right" "$((asked - right))" "$said"
    done
}

together() { # together FILE...: several expected-failures as one
    local all
    all=$(mktemp -p "$work")
    cat "$@" > "$all"
    echo "$all"
}
of_fixture=$root/tests/mcp_suite/fixture.yaml of_program=$root/tests/mcp_suite/program.yaml
of_fixture_stdio=$(together "$of_fixture" "$root/tests/mcp_suite/stdio.yaml")
of_program_stdio=$(together "$of_program" "$root/tests/mcp_suite/stdio.yaml")

row round protocol passes 'does not apply' result
suite 'fixture over http' "$of_fixture" "$fixture"
suite 'fixture over stdio' "$of_fixture_stdio" "$fixture" --bridge "$fixture" --stdio
stop

start "$mecris" run --listen 127.0.0.1:0
program=$url token=$work/.local/share/mecris/tenants/local/token
suite 'program over http' "$of_program" "$fixture" --forward "$program" --token-file "$token"
suite 'program over stdio' "$of_program_stdio" "$fixture" --bridge "$mecris" mcp
inspect 'inspector, program over http' "$program" --transport http --header "Authorization: Bearer $(cat "$token")"
inspect 'inspector, program over stdio' "$mecris" mcp --transport stdio
stop
# Without a supervisor, the log is read.
suite 'program over stdio, log alone' "$of_program_stdio" "$fixture" --bridge "$mecris" mcp

[ "$bad" = 0 ] || { echo "$bad rounds are not as expected; the suite's words are in ${results#"$root"/}" >&2; exit 1; }
