#!/usr/bin/env bash
# Every kernel has a test of its own, and is in the tables of docs/devices.md: the names that headers give to kernels are those of the tests "kernel NAME: ...",
# each once, and those that the tables' rows launch. Usage: kernels.sh SOURCE
set -euo pipefail
cd "$1"
names=$(grep -rhozP 'name = "\K[a-z0-9_]+(?=";\n *static constexpr int threads)' include --include=*.cuh --include=*.hpp | tr '\0' '\n' | sort)
tests=$(grep -rhoP 'TEST_CASE\("kernel \K[a-z0-9_]+(?=:)' tests --include=*.cpp | sort)
wrong=$(diff <(echo "$names") <(echo "$tests") || true)
if [ -n "$wrong" ]; then
  echo "kernels (<) and tests of kernels (>) differ:"
  echo "$wrong"
  exit 1
fi
# epilogue follows what a library computes on a GPU: no row, run on the host, launches it.
wrong=$(diff <(echo "$names" | grep -vx epilogue) <(grep -P '^\| (?!op \|)' docs/devices.md | sed 's/.*| \(.*\) |$/\1/' | grep -oP '`\K[a-z0-9_]+(?=`)' | sort -u) || true)
if [ -n "$wrong" ]; then
  echo "kernels (<) and kernels that docs/devices.md has (>) differ:"
  echo "$wrong"
  exit 1
fi
echo "$(echo "$names" | wc -l) kernels, each with a test and in a row of docs/devices.md"
