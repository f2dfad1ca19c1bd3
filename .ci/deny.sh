#!/bin/bash
# Holds the dependencies to .ci/deny.toml: licences, bans, sources, and where the RustSec database can be had, advisories.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export PATH="${CARGO_HOME:-$HOME/.cargo}/bin:$PATH"
# Not optimized, it is built in half of the time.
if ! cargo deny --version >/dev/null 2>&1 && ! cargo install --quiet --locked --debug cargo-deny@0.20.2; then
    echo 'SKIPPED: cargo-deny cannot be installed'
    exit 0
fi
deny=(cargo deny --config .ci/deny.toml --locked)
"${deny[@]}" --exclude-dev check --hide-inclusion-graph licenses bans sources
# With its cause it would be reported as a fault of the dependencies.
if timeout 120 "${deny[@]}" fetch db >/dev/null 2>&1; then
    "${deny[@]}" check --hide-inclusion-graph advisories
else
    echo 'SKIPPED: advisories, for the RustSec database cannot be had from here'
fi
