#!/bin/sh
# Every test, on the server that TEST_DATABASE_URL names: `make test`.
#
#   tools/test.sh [FLAG OF GO TEST...]
set -eu
cd "$(dirname "$0")/.."

race=-race
if [ "$(go env CGO_ENABLED)" != 1 ]; then
    race=
    echo "make: no C compiler was found, so the tests run without the race detector" >&2
fi
# -count=1: Go remembers results by files and variables, and knows nothing of what a database holds.
.tools/bin/gotestsum --format pkgname --format-hide-empty-pkg -- -count=1 $race "$@" ./...
echo "make: the tests have passed"
