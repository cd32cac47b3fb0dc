"""Instructions instead of time: they repeat. By valgrind's callgrind, whole programs on a real Kafka."""
import json, re, subprocess, sys

from figures import figure
from rows import INLINE, LANES, raw, say, service

PROGRAMS = {"raw": (raw(), None), "inline": (service("emit", *INLINE), "raw"), "1 lane": (service("emit"), "raw"), "4 lanes": (service("emit", *LANES), "raw"),
            "react: raw": (raw("react"), None), "react: inline": (service("react", *INLINE), "react: raw"),
            "react: 4 lanes": (service("react", *LANES), "react: raw")}


def collected(stage, program, events, out):
    command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", *stage.command(program, events)]
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, timeout=600)
    result = [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]
    if not result:
        sys.exit(f"{' '.join(command)}:\n{done.stderr}")
    return result[-1]["events"], int(re.search(r"Collected : (\d+)", done.stderr).group(1))


def instructions(stage):
    """The difference of a long and a short run, so that starting and ending do not count."""
    few, many, folder = 20000, 60000, stage.bin.parent / "bench"
    folder.mkdir(exist_ok=True)
    stage.feed("topics")
    stage.feed("fill", 100000)
    print(f"\ninstructions of all threads for each event, by callgrind ({many} events less {few}); profiles in {folder}")
    costs, figures = {}, []
    for name, (program, base) in PROGRAMS.items():
        out = str(folder / re.sub(r"[^a-z0-9]+", "-", name))
        few_events, few_cost = collected(stage, program, few, out + ".few")
        events, cost = collected(stage, program, many, out + ".many")
        costs[name] = (cost - few_cost) / (events - few_events)
        say(name, f"{costs[name]:.0f}", f"{costs[base] / costs[name]:.2f}" if base else "")
        figures.append(figure(f"instructions an event: {name}", costs[name], None))
    return figures
