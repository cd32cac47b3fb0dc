# common.sh: what up and down share; sourced by both. Names: `dir` the data folder, `say` talks to people.

say() { echo "kafka: $*" >&2; }
fail() { say "$*"; exit 1; }
misuse() { say "$*"; usage >&2; exit 2; }

# The data folder of the project: beside the nearest polka.yaml upwards, or here.
project_dir() {
  local at=$PWD
  while [ "$at" != / ] && [ ! -e "$at/polka.yaml" ]; do at=$(dirname "$at"); done
  [ -e "$at/polka.yaml" ] || at=$PWD
  echo "$at/.polka/kafka"
}

# node_pid NODE: the process of that node if it runs and is ours; a process id may have been given to somebody else since.
node_pid() {
  local pid
  pid=$(cat "$dir/node$1/pid" 2>/dev/null) && [ -n "$pid" ] || return 1
  tr '\0' '\n' 2>/dev/null <"/proc/$pid/cmdline" | grep -qxF "$dir/node$1/server.properties" || return 1
  echo "$pid"
}

# stop_node NODE SIGNAL: and waits for its end; a controller of three that lost its quorum may ignore TERM.
stop_node() {
  local pid waited
  pid=$(node_pid "$1") || return 0
  kill "-$2" "$pid" 2>/dev/null || true
  for ((waited = 0; waited < 200; waited++)); do
    kill -0 "$pid" 2>/dev/null || break
    sleep 0.1
  done
  if kill -0 "$pid" 2>/dev/null; then
    say "node $1 does not end by itself; killed"
    kill -KILL "$pid" 2>/dev/null || true
  fi
  rm -f "$dir/node$1/pid"
}
