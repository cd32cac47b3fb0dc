"""The rows of the suite. Each function measures, prints its table and returns its figures beside what they shall reach."""
import http.server, subprocess, sys, threading, time

from figures import Loads, over, ratio, single
from stage import Program, end, first_event_ns, median, raw, service, spread, status_of

INLINE, LANES = ("--lanes", "inline"), ("--lanes", "4")


def say(*columns, widths=(34, 20, 20, 10, 10)):
    print("  ".join(str(text).ljust(width) for text, width in zip(columns, widths)).rstrip(), flush=True)


# ---- throughput ----

def throughput(stage, variants, title, feed=(), emits=True, partitions=None):
    """variants: name → program. A B A B. Returns Loads."""
    stage.feed("topics", *([partitions] if partitions else []))
    filled = stage.feed("fill", stage.events, *feed)
    loads = Loads(variants)
    for _ in range(stage.rounds):
        for name, program in variants.items():
            result = stage.measure(program, stage.events)
            if result["events"] != filled["events"] or result["sum"] != filled["sum"]:
                sys.exit(f"{name}: read {result}, and {filled} were written")
            loads.rates[name].append(result["events"] / result["wall_us"] * 1e6)
            loads.costs[name].append(result["cpu_us"] / result["events"])
            loads.peaks[name].append(result["peak_kib"] / 1024)
    if emits and stage.feed("count") != len(variants) * stage.rounds * stage.events:
        sys.exit(f"{stage.feed('count')} prices are there; {len(variants) * stage.rounds * stage.events} were expected")
    print(f"\n{title}: {stage.events} events of {filled['bytes']:.0f} bytes, {stage.rounds} rounds, median [least..most]")
    say("", "k events/s", "CPU us/event", "peak MiB")
    for name in variants:
        say(name, spread([rate / 1e3 for rate in loads.rates[name]], 0), spread(loads.costs[name], 2), f"{median(loads.peaks[name]):.0f}")
    return loads


def react(stage):
    loads = throughput(stage, {"raw": raw("react"), "inline": service("react", *INLINE), "1 lane": service("react"),
                               "4 lanes": service("react", *LANES)}, "react only", emits=False)
    return [loads.rate("react: inline / raw, rate", "inline", "raw", 0.90), loads.rate("react: 4 lanes / raw, rate", "4 lanes", "raw", 0.80),
            loads.rate("react: 1 lane (default) / raw, rate", "1 lane", "raw", None),
            loads.cost_over("react: inline, CPU over raw", "inline", "raw", 0.10), loads.cost_over("react: 4 lanes, CPU over raw", "4 lanes", "raw", 0.10)]


def hop(stage):
    full = throughput(stage, {
        "raw": raw(), "raw, system allocator": raw(binary="bench_raw_system"), "raw, avro-c": raw("avro-c"), "raw, avro-c, 4 headers": raw("avro-c", "few"),
        "inline": service("emit", *INLINE), "1 lane": service("emit"), "4 lanes": service("emit", *LANES)}, "react and emit, nine headers")
    compact = throughput(stage, {
        "raw": raw("compact"), "inline": service("emit", *INLINE, "--envelope", "compact"), "1 lane": service("emit", "--envelope", "compact"),
        "4 lanes": service("emit", *LANES, "--envelope", "compact")}, "react and emit, compact", feed=["compact"])
    best = max(("inline", "1 lane", "4 lanes"), key=lambda name: median(full.rates[name]))
    return [full.rate("hop: inline / raw, rate", "inline", "raw", 0.85), full.rate("hop: 4 lanes / raw, rate", "4 lanes", "raw", 0.85),
            full.cost("hop: raw / inline, CPU", "raw", "inline", None, most=False),
            full.rate("hop: inline / raw with avro-c, same headers, rate", "inline", "raw, avro-c", 1.25),
            full.rate("hop out of the box (1 lane) / raw on the system allocator, rate", "1 lane", "raw, system allocator", 1.35),
            full.cost("hop out of the box (1 lane) / raw on the system allocator, CPU", "1 lane", "raw, system allocator", 0.75),
            full.rate(f"hop, fastest of ours ({best}) / raw, rate", best, "raw", None),
            compact.rate("compact: inline / raw, rate", "inline", "raw", 0.85), compact.cost("compact: raw / inline, CPU", "raw", "inline", None, most=False),
            compact.rate("compact: inline / raw with avro-c and four headers, rate", "inline", "raw, avro-c, 4 headers", 1.6, full),
            compact.rate("compact: 1 lane / raw on the system allocator, rate", "1 lane", "raw, system allocator", 1.8, full)]


def emit(stage):
    unit = 1000
    events = stage.events // unit * unit
    stage.feed("topics")
    loads = Loads(("raw", "polka"))
    for _ in range(stage.rounds):
        for name in loads.rates:
            result = stage.finished([str(stage.bin / "bench_emit"), name, stage.brokers, str(events), str(unit)])
            loads.rates[name].append(result["events"] / result["wall_us"] * 1e6)
            loads.costs[name].append(result["cpu_us"] / result["events"])
    print(f"\nemit by a producer, units of {unit}, each acknowledged before the next: {events} events, {stage.rounds} rounds")
    for name in loads.rates:
        say(name, spread([rate / 1e3 for rate in loads.rates[name]], 0) + " k/s", spread(loads.costs[name], 2) + " us")
    return [loads.rate("emit: polka / raw, rate", "polka", "raw", 0.85)]


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
    return [ratio("latency: inline / raw, p50", halves["inline"], halves["raw"], 1.10, most=True),
            ratio("latency: inline / raw, p99", tails["inline"], tails["raw"], 1.3, most=True),
            ratio("latency: 1 lane / raw, p50", halves["1 lane"], halves["raw"], 1.35, most=True),
            ratio("latency: 1 lane / raw, p99", tails["1 lane"], tails["raw"], 1.6, most=True),
            single("latency: a hop at default settings, p50", [half / 2000 for half in halves["1 lane"]], 1.0, "ms", most=True)]


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
        took = [stage.measure(service("wait", "--lanes", "16"), events)["wall_us"] for _ in range(stage.rounds)]
        say(keys, spread([each / 1e6 for each in took], 2), f"{ideal / 1e6:.2f}", f"{median(took) / ideal:.2f}")
        figures.append(single(f"slow handlers, {keys} keys: took / ideal", [each / ideal for each in took], 1.10, most=True))
    return figures


def busy(stage):
    prefetch = ["queued.min.messages=10000000", "queued.max.messages.kbytes=2097151"]
    figures = []
    for us in (1, 2, 5):
        loads = throughput(stage, {"raw, unlimited prefetch": raw(f"busy={us}", *prefetch), "1 lane": service(f"busy={us}"),
                                   "inline": service(f"busy={us}", *INLINE)}, f"a handler of {us} us at defaults", emits=False)
        figures += [loads.rate(f"handler of {us} us: 1 lane / raw, rate", "1 lane", "raw, unlimited prefetch", 0.90),
                    loads.rate(f"handler of {us} us: inline / raw, rate", "inline", "raw, unlimited prefetch", None),
                    loads.peak_over(f"handler of {us} us: memory over raw", "1 lane", "raw, unlimited prefetch", 32)]
    return figures


def backlog(stage):
    stage.feed("topics")
    stage.feed("fill", 100000)
    peaks = []
    for _ in range(stage.rounds):
        process = stage.start(service("busy=1000"))
        most, until = 0.0, time.monotonic() + 15
        while time.monotonic() < until:
            most = max(most, status_of(process.pid)["rss_mib"])
            time.sleep(0.1)
        end(process)
        peaks.append(most)
    print(f"\nbacklog of 100000 events behind a handler of 1 ms, 15 s, {stage.rounds} rounds: {spread(peaks, 1)} MiB at most")
    return [single("backlog: resident memory", peaks, 64, "MiB", most=True)]


# ---- seen: metrics, traces, activity ----

METRICS = ("--http.port", "0", "--http.address", "127.0.0.1")


class Collector(http.server.BaseHTTPRequestHandler):
    """Takes traces and looks at none: what it costs here is no cost of the service."""
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_):
        pass


def observed(stage):
    """Traces: one in a hundred of all events, and all of them. Activity is a record of its own for each reaction, so nothing is asked of it."""
    collector, figures = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Collector), []
    threading.Thread(target=collector.serve_forever, daemon=True).start()
    traces = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{collector.server_address[1]}", "OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.01"}
    every = {**traces, "OTEL_TRACES_SAMPLER": "always_on"}
    seen = {"metrics": 0.93, "metrics and traces": 0.93, "metrics and every trace": None, "activity": None}
    for kind, what in (("react", "react only"), ("emit", "react and emit")):
        loads = throughput(stage, {"inline": service(kind, *INLINE), "inline, metrics": service(kind, *INLINE, *METRICS), "1 lane": service(kind),
                                   "1 lane, metrics": service(kind, *METRICS), "1 lane, metrics and traces": service(kind, *METRICS, **traces),
                                   "1 lane, metrics and every trace": service(kind, *METRICS, **every),
                                   "1 lane, activity": service(kind, "--activity.enabled", "true")}, f"{what}, observed", emits=kind == "emit")
        for name, bar in seen.items():
            for lane in ("inline", "1 lane") if name == "metrics" else ("1 lane",):
                figures += [loads.rate(f"observed, {what}, {lane}: with {name} / without, rate", f"{lane}, {name}", lane, bar),
                            loads.cost(f"observed, {what}, {lane}: with {name} / without, CPU", f"{lane}, {name}", lane, bar and 1.07)]
    collector.shutdown()
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
    loads = throughput(stage, variants, "exactly once, react and emit", emits=False)
    figures = [loads.rate(f"exactly once, {size}: 1 lane / raw, rate", f"1 lane, {size}", f"raw, {size}", 0.90)
               for size in ("100 ms", "500 ms", "1000 events", "10000 events")]
    return figures + [loads.rate("exactly once, 100 ms / at least once, rate", "1 lane, 100 ms", "at least once", 0.75),
                      loads.rate("exactly once, 500 ms / at least once, rate", "1 lane, 500 ms", "at least once", 0.85)]


# ---- growth ----

def growth(stage):
    figures = []
    for types in (500, 1000):
        few = throughput(stage, {"1 type": service("types=1", *INLINE)}, "one event type", feed=["types=1"], emits=False)
        many = throughput(stage, {f"{types} types": service(f"types={types}", *INLINE)}, f"{types} event types, a reaction each", feed=[f"types={types}"], emits=False)
        figures.append(many.rate(f"growth: {types} event types and reactions / 1, rate", f"{types} types", "1 type", 0.90, few))
    few = throughput(stage, {"1 lane": service("react")}, "1 key", feed=["keys=1"], emits=False)
    many = throughput(stage, {"1 lane": service("react")}, "1,000,000 keys", feed=["keys=1000000"], emits=False)
    figures.append(many.rate("growth: 1,000,000 keys / 1, rate", "1 lane", "1 lane", 0.90, few))
    for partitions in (1, 2000):
        loads = throughput(stage, {"raw": raw("react"), "inline": service("react", *INLINE)}, f"{partitions} partitions", emits=False, partitions=partitions)
        figures.append(loads.rate(f"growth: {partitions} partitions, inline / raw, rate", "inline", "raw", 0.90))
    return figures


# ---- idle, start ----

SINGLE = {"raw": raw(), "inline": service("emit", *INLINE), "1 lane": service("emit"), "1 lane, health": service("emit", *METRICS)}


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
    def more(what, name, column, bar, unit=""):
        return over(f"idle: {what} over raw", columns[name][column], columns["raw"][column], bar, unit)
    return [more("1 lane, memory", "1 lane", 0, 2, "MiB"), more("1 lane with health and metrics, memory", "1 lane, health", 0, 3, "MiB"),
            more("1 lane, threads", "1 lane", 2, 1), more("1 lane with health and metrics, threads", "1 lane, health", 2, 2),
            more("1 lane, CPU", "1 lane", 3, 0.1, "%"), more("1 lane with health and metrics, CPU", "1 lane, health", 3, 0.1, "%")]


def start(stage):
    """From exec to the first reply, read by another program, and to the first event in the handler; each time a new group."""
    programs, rounds = {"raw": SINGLE["raw"], "1 lane": SINGLE["1 lane"], "inline": SINGLE["inline"], "1 lane, health": SINGLE["1 lane, health"]}, max(10, stage.rounds)
    handled, replied = ({name: [] for name in (*programs, "100 types, 1 lane")} for _ in range(2))

    def once(name, program, replies=True):
        reader = stage.reply_reader() if replies else None
        begin = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
        process = stage.start(program)
        handled[name].append((first_event_ns(process) - begin) / 1e6)
        if replies:
            replied[name].append((stage.first_reply_ns(reader) - begin) / 1e6)
        end(process)
    stage.feed("topics")
    stage.feed("fill", 1)
    for _ in range(rounds):
        for name, program in programs.items():
            once(name, program)
    stage.feed("topics")
    stage.feed("fill", 100, "types=100")
    for _ in range(rounds):
        once("100 types, 1 lane", service("types=100"), replies=False)
    print(f"\nfrom exec, {rounds} rounds, a new group each: median [least..most]")
    say("", "first event ms", "first reply ms")
    for name in handled:
        say(name, spread(handled[name], 0), spread(replied[name], 0) if replied[name] else "")
    return [single("start: first reply at defaults", replied["1 lane"], 100, "ms", most=True),
            single("start: first reply of raw", replied["raw"], None, "ms"),
            single("start: first event at defaults", handled["1 lane"], None, "ms"),
            over("start: first event with 100 event types, over raw with one", handled["100 types, 1 lane"], handled["raw"], 10, "ms")]


ROWS = {row.__name__: row for row in (react, hop, emit, once, latency, slow, busy, backlog, growth, observed, idle, start)}
