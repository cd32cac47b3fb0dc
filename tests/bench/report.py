"""The figures beside what they shall reach: on the terminal, and in RESULTS.md with results.json beside it."""
import datetime, json, os, pathlib, platform, subprocess

HERE = pathlib.Path(__file__).resolve().parent
JSON, PAGE = HERE / "results.json", HERE / "RESULTS.md"


def bar(figure):
    return "" if figure["bar"] is None else f"{'≤' if figure['most'] else '≥'} {figure['bar']:g} {figure['unit']}".strip()


def verdict(figure):
    return {None: "", True: "met", False: "**missed**"}[figure["met"]]


def table(results):
    for row in results.values():
        for figure in row["figures"]:
            print(f"{figure['what']:<72} {figure['value']:>8.2f} {figure['unit']:<4} {bar(figure):<12} {verdict(figure).strip('*')}".rstrip())


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
             "headers, settings and polling but where the row says otherwise. `results.json` has the same for programs.", "",
             f"{os.cpu_count()} cores, {platform.machine()}, Apache Kafka on the same machine with its data in memory.", ""]
    for name, row in kept.items():
        lines += [f"## {name}", "", f"{row['date']}, commit {row['commit']}, librdkafka {row['librdkafka']}, {row['events']} events, {row['rounds']} rounds; "
                  f"load average before {row['load'][0]}, after {row['load'][1]}.", "", "| what | figure | at least, at most | |", "|---|---|---|---|"]
        lines += [f"| {figure['what']} | {figure['value']:.2f} {figure['unit']} | {bar(figure)} | {verdict(figure)} |".replace("  ", " ") for figure in row["figures"]]
        if row.get("why"):
            lines += ["", row["why"]]
        lines.append("")
    PAGE.write_text("\n".join(lines))
