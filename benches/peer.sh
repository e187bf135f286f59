#!/usr/bin/env bash
# The table in docs/figures.md: this program and ccusage on the same corpus, in turns, in one run.
#   benches/peer.sh [BYTES] [FILES] [ROUNDS]
# Needs npm for the peer. Prints wall seconds, CPU seconds and the largest resident memory of each run.
set -euo pipefail
cd "$(dirname "$0")/.."
bytes=${1:-1050000000}
files=${2:-2000}
rounds=${3:-3}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cargo build --release --bin mecris --example corpus
target=${CARGO_TARGET_DIR:-target}/release
npm install --silent --no-fund --no-audit --prefix "$work/peer" ccusage@20.0.24
"$target/examples/corpus" "$work/claude" "$bytes" "$files" > "$work/truth.json"

python3 - "$target/mecris" "$work" "$rounds" <<'PYTHON'
import json, os, shutil, subprocess, sys, time

program, work, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3])
truth = json.load(open(f"{work}/truth.json"))
environment = dict(os.environ, CLAUDE_CONFIG_DIR=f"{work}/claude", HOME=work)

def measure(command):
    begin = time.monotonic()
    with open(f"{work}/out", "wb") as out:
        process = subprocess.Popen(command, env=environment, stdout=out, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
    wall = time.monotonic() - begin
    assert status == 0, f"{command[0]} failed"
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024

def sync_rate():
    """fdatasyncs of 4 KiB a second, which every durable figure depends on."""
    handle = os.open(f"{work}/sync", os.O_CREAT | os.O_WRONLY)
    begin = time.monotonic()
    for _ in range(500):
        os.write(handle, b"x" * 4096)
        os.fdatasync(handle)
    os.close(handle)
    return 500 / (time.monotonic() - begin)

peer = [f"{work}/peer/node_modules/.bin/ccusage", "daily", "--offline", "--json"]
runs = {"mecris import": [], "ccusage daily --offline": []}
for _ in range(rounds):
    shutil.rmtree(f"{work}/data", ignore_errors=True)
    runs["mecris import"].append(measure([program, "import", "--json", "--data-dir", f"{work}/data"]))
    recorded = json.load(open(f"{work}/out"))["recorded"]
    assert recorded == truth["total"]["messages"], f"{recorded} calls, not {truth['total']['messages']}"
    runs["ccusage daily --offline"].append(measure(peer))
print(f"{truth['bytes'] / 1e9:.2f} GB in {truth['files']} files, {truth['total']['messages']} calls; "
      f"{os.cpu_count()} cores, {sync_rate():.0f} fdatasync/s; best of {rounds}")
print("| | wall | CPU | memory |\n|---|---|---|---|")
for name, figures in runs.items():
    wall, cpu, memory = (min(figure[part] for figure in figures) for part in range(3))
    print(f"| `{name}` | {wall:.2f} s | {cpu:.2f} s | {memory:.0f} MB |")
PYTHON
