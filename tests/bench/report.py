"""
The figures beside what they shall reach: on the terminal, and in RESULTS.md with results.json beside it. Why a row misses stands in
why.md, under the row's name: that is written by hand, with a profile, and outlives the next measurement.
"""
import datetime, json, os, pathlib, platform, subprocess

HERE = pathlib.Path(__file__).resolve().parent
JSON, PAGE, WHY = HERE / "results.json", HERE / "RESULTS.md", HERE / "why.md"


def bar(figure):
    return "" if figure["bar"] is None else f"{'≤' if figure['most'] else '≥'} {figure['bar']:g} {figure['unit']}".strip()


def verdict(figure):
    return {None: "", True: "met", False: "**missed**"}[figure["met"]]


def rounds(figure):
    return f"{figure['spread'][0]:.2f}..{figure['spread'][1]:.2f}" if figure.get("spread") else ""


def cpu(figure):
    return f"{figure['cpu_us'][0]:.2f} / {figure['cpu_us'][1]:.2f}" if figure.get("cpu_us") else ""


def reasons():
    """{row: why it misses}"""
    parts = WHY.read_text().split("\n## ")[1:] if WHY.exists() else []
    return {name.strip(): text.strip() for name, _, text in (part.partition("\n") for part in parts)}


def why(name, row, known):
    """Of a row that misses."""
    if all(figure["met"] is not False for figure in row["figures"]):
        return []
    return ["", known.get(name, "**Why it misses is not known yet**: a profile is wanted, and what it says in why.md.")]


def table(results):
    for row in results.values():
        for figure in row["figures"]:
            print(f"{figure['what']:<72} {figure['value']:>8.2f} {figure['unit']:<4} {rounds(figure):<16} {cpu(figure):<16} {bar(figure):<12} {verdict(figure).strip('*')}".rstrip())


def version(*command):
    try:
        return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.strip().splitlines()[0]
    except (OSError, subprocess.CalledProcessError, IndexError):
        return "unknown"


def write(results):
    """Rows measured before stay until they are measured again; each says when, at which commit and under which load it was."""
    kept = json.loads(JSON.read_text()) if JSON.exists() else {}
    stamp = {"date": datetime.date.today().isoformat(), "commit": version("git", "-C", str(HERE), "rev-parse", "--short", "HEAD"),
             "librdkafka": version("pkg-config", "--modversion", "rdkafka")}
    for name, row in results.items():
        kept[name] = {**stamp, **row}
    JSON.write_text(json.dumps(kept, indent=1) + "\n")
    lines = ["# Polka beside a hand-written librdkafka program", "",
             "Made by `tests/bench/run --write`; figures of one row were taken in one run, both sides in turn, and are medians. Both sides have the same codec,",
             "headers, settings and polling but where the row says otherwise. Rows are measured one by one or together, and each stays until it is",
             "measured again. `results.json` has the same for programs, `why.md` why a row misses.", "",
             f"{os.cpu_count()} cores, {platform.machine()}, Apache Kafka on the same machine with its data in memory.", ""]
    known = reasons()
    for name, row in kept.items():
        lines += [f"## {name}", "", f"{row['date']}, commit {row['commit']}, librdkafka {row['librdkafka']}, {row['events']} events, {row['rounds']} rounds; "
                  f"load average before {row['load'][0]}, after {row['load'][1]}.", "",
                  "| what | figure | least..most of the rounds | CPU of both, us an event | at least, at most | |", "|---|---|---|---|---|---|"]
        lines += [f"| {figure['what']} | {figure['value']:.2f} {figure['unit']} | {rounds(figure)} | {cpu(figure)} | {bar(figure)} | {verdict(figure)} |".replace("  ", " ")
                  for figure in row["figures"]]
        lines += why(name, row, known)
        lines.append("")
    PAGE.write_text("\n".join(lines))
