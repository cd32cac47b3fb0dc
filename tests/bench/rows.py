"""The rows of the suite. Each function measures, prints its table and returns its figures beside what they shall reach."""
import subprocess, sys, time

from stage import Program, end, first_event_ns, median, raw, service, spread, status_of

INLINE, LANES = ("--lanes", "inline"), ("--lanes", "4")


def figure(what, value, bar, unit="", most=False, spread=None):
    """bar None: nothing is asked of it. most: the bar is the most that is allowed, else the least."""
    met = None if bar is None else value <= bar if most else value >= bar
    return {"what": what, "value": round(value, 3), "unit": unit, "bar": bar, "most": most, "met": met, "spread": spread}


def say(*columns, widths=(34, 20, 20, 10, 10)):
    print("  ".join(str(text).ljust(width) for text, width in zip(columns, widths)).rstrip(), flush=True)


# ---- throughput ----

def throughput(stage, variants, title, feed=(), emits=True, partitions=None):
    """variants: name → program. A B A B; returns rates (events a second) and CPU (µs an event) of each, one a round."""
    stage.feed("topics", *([partitions] if partitions else []))
    filled = stage.feed("fill", stage.events, *feed)
    rates, costs, peaks = ({name: [] for name in variants} for _ in range(3))
    for _ in range(stage.rounds):
        for name, program in variants.items():
            result = stage.measure(program, stage.events)
            if result["events"] != filled["events"] or result["sum"] != filled["sum"]:
                sys.exit(f"{name}: read {result}, and {filled} were written")
            rates[name].append(result["events"] / result["wall_us"] * 1e6)
            costs[name].append(result["cpu_us"] / result["events"])
            peaks[name].append(result["peak_kib"] / 1024)
    if emits and stage.feed("count") != len(variants) * stage.rounds * stage.events:
        sys.exit(f"{stage.feed('count')} prices are there; {len(variants) * stage.rounds * stage.events} were expected")
    print(f"\n{title}: {stage.events} events of {filled['bytes']:.0f} bytes, {stage.rounds} rounds, median [least..most]")
    say("", "k events/s", "CPU us/event", "peak MiB")
    for name in variants:
        say(name, spread([rate / 1e3 for rate in rates[name]], 0), spread(costs[name], 2), f"{median(peaks[name]):.0f}")
    return rates, costs, peaks


def ratio(values, ours, theirs):
    return median(values[ours]) / median(values[theirs])


def react(stage):
    rates, costs, _ = throughput(stage, {"raw": raw("react"), "inline": service("react", *INLINE), "1 lane": service("react"),
                                         "4 lanes": service("react", *LANES)}, "react only", emits=False)
    return [figure("react: inline / raw, rate", ratio(rates, "inline", "raw"), 0.90),
            figure("react: 4 lanes / raw, rate", ratio(rates, "4 lanes", "raw"), 0.80),
            figure("react: 1 lane (default) / raw, rate", ratio(rates, "1 lane", "raw"), None),
            figure("react: inline, CPU over raw", median(costs["inline"]) - median(costs["raw"]), 0.10, "us", most=True),
            figure("react: 4 lanes, CPU over raw", median(costs["4 lanes"]) - median(costs["raw"]), 0.10, "us", most=True)]


def hop(stage):
    rates, costs, _ = throughput(stage, {
        "raw": raw(), "raw, system allocator": raw(binary="bench_raw_system"), "raw, avro-c": raw("avro-c"), "raw, avro-c, 4 headers": raw("avro-c", "few"),
        "inline": service("emit", *INLINE), "1 lane": service("emit"), "4 lanes": service("emit", *LANES)}, "react and emit, nine headers")
    compact, compact_costs, _ = throughput(stage, {
        "raw": raw("compact"), "inline": service("emit", *INLINE, "--envelope", "compact"), "1 lane": service("emit", "--envelope", "compact"),
        "4 lanes": service("emit", *LANES, "--envelope", "compact")}, "react and emit, compact", feed=["compact"])
    best = max(("inline", "1 lane", "4 lanes"), key=lambda name: median(rates[name]))
    return [figure("hop: inline / raw, rate", ratio(rates, "inline", "raw"), 0.85),
            figure("hop: 4 lanes / raw, rate", ratio(rates, "4 lanes", "raw"), 0.85),
            figure("hop: raw / inline, CPU", ratio(costs, "raw", "inline"), None),
            figure("hop: inline / raw with avro-c, same headers, rate", ratio(rates, "inline", "raw, avro-c"), 1.25),
            figure("hop out of the box (1 lane) / raw on the system allocator, rate", ratio(rates, "1 lane", "raw, system allocator"), 1.35),
            figure("hop out of the box (1 lane) / raw on the system allocator, CPU", ratio(costs, "1 lane", "raw, system allocator"), 0.75, most=True),
            figure(f"hop, fastest of ours ({best}) / raw, rate", ratio(rates, best, "raw"), None),
            figure("compact: inline / raw, rate", ratio(compact, "inline", "raw"), 0.85),
            figure("compact: raw / inline, CPU", ratio(compact_costs, "raw", "inline"), None),
            figure("compact: inline / raw with avro-c and four headers, rate", median(compact["inline"]) / median(rates["raw, avro-c, 4 headers"]), 1.6),
            figure("compact: 1 lane / raw on the system allocator, rate", median(compact["1 lane"]) / median(rates["raw, system allocator"]), 1.8)]


def emit(stage):
    unit = 1000
    events = stage.events // unit * unit
    stage.feed("topics")
    rates = {"raw": [], "polka": []}
    for _ in range(stage.rounds):
        for name in rates:
            result = stage.finished([str(stage.bin / "bench_emit"), name, stage.brokers, str(events), str(unit)])
            rates[name].append(result["events"] / result["wall_us"] * 1e6)
    print(f"\nemit by a producer, units of {unit}, each acknowledged before the next: {events} events, {stage.rounds} rounds")
    for name in rates:
        say(name, spread([rate / 1e3 for rate in rates[name]], 0) + " k/s")
    return [figure("emit: polka / raw, rate", ratio(rates, "polka", "raw"), 0.85)]


# ---- one at a time ----

def latency(stage):
    programs = {"raw": raw(), "inline": service("emit", *INLINE), "1 lane": service("emit")}
    stage.feed("topics")
    halves, tails = {name: [] for name in programs}, {name: [] for name in programs}
    for _ in range(stage.rounds):
        for name, program in programs.items():
            process = stage.start(program)
            try:
                result = stage.feed("ping", 3000)
            finally:
                end(process)
            halves[name].append(result["p50_us"])
            tails[name].append(result["p99_us"])
    print(f"\ntwo hops, one event in flight, 3000 times, {stage.rounds} rounds: median [least..most]")
    say("", "p50 us", "p99 us")
    for name in programs:
        say(name, spread(halves[name], 0), spread(tails[name], 0))
    return [figure("latency: inline / raw, p50", ratio(halves, "inline", "raw"), 1.10, most=True),
            figure("latency: inline / raw, p99", ratio(tails, "inline", "raw"), 1.3, most=True),
            figure("latency: 1 lane / raw, p50", ratio(halves, "1 lane", "raw"), 1.35, most=True),
            figure("latency: 1 lane / raw, p99", ratio(tails, "1 lane", "raw"), 1.6, most=True),
            figure("latency: a hop at default settings, p50", median(halves["1 lane"]) / 2000, 1.0, "ms", most=True)]


# ---- handlers that take their time ----

def slow(stage):
    events, figures = 10000, []
    print(f"\nslow handlers: {events} events of 0 to 5 ms, 16 lanes, 1 partition; the order of each key is checked by its handler")
    say("keys", "took s", "ideal s", "took/ideal")
    for keys in (1, 2, 5, 10, 20, 1000, 10000):
        if keys < 5 and stage.events < 100000:
            continue                     # half a minute for one key
        stage.feed("topics", 1)
        ideal = stage.feed("fill", events, f"keys={keys}")["ideal_us"]
        took = stage.measure(service("wait", "--lanes", "16"), events)["wall_us"]
        say(keys, f"{took / 1e6:.2f}", f"{ideal / 1e6:.2f}", f"{took / ideal:.2f}")
        figures.append(figure(f"slow handlers, {keys} keys: took / ideal", took / ideal, 1.10, most=True))
    return figures


def busy(stage):
    prefetch = ["queued.min.messages=10000000", "queued.max.messages.kbytes=2097151"]
    figures = []
    for us in (1, 2, 5):
        rates, _, peaks = throughput(stage, {"raw, unlimited prefetch": raw(f"busy={us}", *prefetch), "1 lane": service(f"busy={us}"),
                                             "inline": service(f"busy={us}", *INLINE)}, f"a handler of {us} us at defaults", emits=False)
        figures += [figure(f"handler of {us} us: 1 lane / raw, rate", ratio(rates, "1 lane", "raw, unlimited prefetch"), 0.90),
                    figure(f"handler of {us} us: inline / raw, rate", ratio(rates, "inline", "raw, unlimited prefetch"), None),
                    figure(f"handler of {us} us: memory over raw", median(peaks["1 lane"]) - median(peaks["raw, unlimited prefetch"]), 32, "MiB", most=True)]
    return figures


def backlog(stage):
    stage.feed("topics")
    stage.feed("fill", 100000)
    process = stage.start(service("busy=1000"))
    most, until = 0.0, time.monotonic() + 15
    while time.monotonic() < until:
        most = max(most, status_of(process.pid)["rss_mib"])
        time.sleep(0.1)
    end(process)
    print(f"\nbacklog of 100000 events behind a handler of 1 ms, 15 s: {most:.1f} MiB at most")
    return [figure("backlog: resident memory", most, 64, "MiB", most=True)]


# ---- seen by Prometheus ----

METRICS = ("--http.port", "0", "--http.address", "127.0.0.1")


def observed(stage):
    figures = []
    for kind, what in (("react", "react only"), ("emit", "react and emit")):
        rates, costs, _ = throughput(stage, {"inline": service(kind, *INLINE), "inline, metrics": service(kind, *INLINE, *METRICS),
                                             "1 lane": service(kind), "1 lane, metrics": service(kind, *METRICS)}, f"{what}, with metrics", emits=kind == "emit")
        figures += [figure(f"observed, {what}, {lane}: with metrics / without, rate", ratio(rates, f"{lane}, metrics", lane), 0.93) for lane in ("inline", "1 lane")]
        figures += [figure(f"observed, {what}, {lane}: with metrics / without, CPU", ratio(costs, f"{lane}, metrics", lane), 1.07, most=True) for lane in ("inline", "1 lane")]
    return figures


# ---- exactly once ----

ONCE = ("--delivery", "exactly-once")


def once(stage):
    """Emissions of a transaction take an offset of their own for its end, so what is there is not counted here; tests/integration does."""
    variants = {"at least once": service("emit"), "raw, 100 ms": raw("transaction-ms=100"), "1 lane, 100 ms": service("emit", *ONCE),
                "raw, 500 ms": raw("transaction-ms=500"), "1 lane, 500 ms": service("emit", *ONCE, "--transaction.interval_ms", "500ms")}
    for events in (1000, 10000):
        variants[f"raw, {events} events"] = raw("transaction-ms=60000", f"transaction-events={events}")
        variants[f"1 lane, {events} events"] = service("emit", *ONCE, "--transaction.interval_ms", "60s", "--transaction.events", str(events))
    rates, _, _ = throughput(stage, variants, "exactly once, react and emit", emits=False)
    figures = [figure(f"exactly once, {size}: 1 lane / raw, rate", ratio(rates, f"1 lane, {size}", f"raw, {size}"), 0.90)
               for size in ("100 ms", "500 ms", "1000 events", "10000 events")]
    return figures + [figure("exactly once, 100 ms / at least once, rate", ratio(rates, "1 lane, 100 ms", "at least once"), 0.75),
                      figure("exactly once, 500 ms / at least once, rate", ratio(rates, "1 lane, 500 ms", "at least once"), 0.85)]


# ---- growth ----

def growth(stage):
    figures = []
    for types in (500, 1000):
        few, _, _ = throughput(stage, {"1 type": service("types=1", *INLINE)}, "one event type", feed=["types=1"], emits=False)
        many, _, _ = throughput(stage, {f"{types} types": service(f"types={types}", *INLINE)}, f"{types} event types, a reaction each", feed=[f"types={types}"],
                                emits=False)
        figures.append(figure(f"growth: {types} event types and reactions / 1, rate", median(many[f"{types} types"]) / median(few["1 type"]), 0.90))
    few, _, _ = throughput(stage, {"1 lane": service("react")}, "1,000 keys", feed=["keys=1000"], emits=False)
    many, _, _ = throughput(stage, {"1 lane": service("react")}, "1,000,000 keys", feed=["keys=1000000"], emits=False)
    figures.append(figure("growth: 1,000,000 keys / 1,000, rate", ratio({"a": many["1 lane"], "b": few["1 lane"]}, "a", "b"), 0.90))
    for partitions in (1, 2000):
        rates, _, _ = throughput(stage, {"raw": raw("react"), "inline": service("react", *INLINE)}, f"{partitions} partitions", emits=False,
                                 partitions=partitions)
        figures.append(figure(f"growth: {partitions} partitions, inline / raw, rate", ratio(rates, "inline", "raw"), 0.90))
    return figures


# ---- idle, start ----

SINGLE = {"raw": raw(), "inline": service("emit", *INLINE), "1 lane": service("emit"), "1 lane, metrics": service("emit", *METRICS)}


def idle(stage):
    stage.feed("topics")
    rows = {name: [] for name in SINGLE}
    for _ in range(stage.rounds):
        processes = {name: stage.start(program) for name, program in SINGLE.items()}
        time.sleep(5)                    # what is measured is a time in which nothing happens
        before = {name: status_of(process.pid) for name, process in processes.items()}
        time.sleep(15)
        for name, process in processes.items():
            after = status_of(process.pid)
            rows[name].append((after["rss_mib"], after["own_mib"], after["threads"], (after["cpu_s"] - before[name]["cpu_s"]) / 15 * 100))
            end(process)
    print(f"\nidle, 12 partitions assigned, {stage.rounds} rounds: median [least..most]")
    say("", "RSS MiB", "of it its own", "threads", "CPU %")
    columns = {name: list(zip(*rows[name])) for name in SINGLE}
    for name, (rss, own, threads, cpu) in columns.items():
        say(name, spread(rss, 2), spread(own, 2), int(median(threads)), spread(cpu, 2))
    over = lambda name, column: median(columns[name][column]) - median(columns["raw"][column])
    return [figure("idle: 1 lane, memory over raw", over("1 lane", 0), 2, "MiB", most=True),
            figure("idle: 1 lane with metrics, memory over raw", over("1 lane, metrics", 0), 3, "MiB", most=True),
            figure("idle: 1 lane, threads over raw", over("1 lane", 2), 1, "", most=True),
            figure("idle: 1 lane, CPU over raw", over("1 lane", 3), 0.1, "%", most=True)]


def start(stage):
    stage.feed("topics")
    stage.feed("fill", 1)
    programs = dict(SINGLE)
    took = {name: [] for name in programs}

    def once(program):
        begin = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
        process = stage.start(program)
        took_ms = (first_event_ns(process) - begin) / 1e6
        end(process)
        return took_ms
    for _ in range(max(10, stage.rounds)):
        for name, program in programs.items():
            took[name].append(once(program))
    stage.feed("topics")
    stage.feed("fill", 100, "types=100")
    took["100 types, 1 lane"] = [once(service("types=100")) for _ in range(max(10, stage.rounds))]
    print("\nfrom exec to the first event in the handler, a new group: median [least..most]")
    for name in took:
        say(name, spread(took[name], 0) + " ms")
    return [figure("start: first event at defaults", median(took["1 lane"]), 100, "ms", most=True),
            figure("start: with 100 event types, over raw with one", median(took["100 types, 1 lane"]) - median(took["raw"]), 10, "ms", most=True)]


ROWS = {row.__name__: row for row in (react, hop, emit, once, latency, slow, busy, backlog, growth, observed, idle, start)}
