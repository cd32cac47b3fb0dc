"""A broker, the measured programs, and what they print; figures as medians with their spread."""
import json, os, pathlib, re, shutil, signal, statistics, subprocess, sys, tempfile, threading, time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent


class Program:
    """One measured program: what it is started as, with which words, and what is in its environment beside ours."""
    def __init__(self, binary, *words, flags=(), environment=None):
        self.binary, self.words, self.flags, self.environment = binary, list(words), list(flags), environment or {}


def raw(*words, binary="bench_raw"):
    return Program(binary, *words)


def service(kind, *flags, **environment):
    return Program("bench_hop", kind, flags=flags, environment=environment)


class Stage:
    def __init__(self, arguments):
        self.bin = pathlib.Path(arguments.build).resolve() / "bin"
        self.brokers, self.rounds, self.events = arguments.brokers, arguments.rounds, arguments.events
        self.groups = 0

    def command(self, program, events):
        self.groups += 1
        group = f"bench-{os.getpid()}-{time.time_ns() // 1000000}-{self.groups}"
        if program.binary == "bench_hop":
            return [str(self.bin / "bench_hop"), str(events), *program.words, "--brokers", self.brokers, "--group", group, "--log.level", "warn",
                    *program.flags]
        return [str(self.bin / program.binary), self.brokers, group, str(events), *program.words]

    def feed(self, *words):
        done = subprocess.run([str(self.bin / "bench_feed"), self.brokers, *map(str, words)], stdout=subprocess.PIPE, text=True, check=True, timeout=600)
        return json.loads(done.stdout) if done.stdout.strip() else None

    def finished(self, command, environment=None):
        done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, timeout=600, env={**os.environ, **(environment or {})})
        lines = [line for line in done.stderr.splitlines() if line.startswith("{")]
        if done.returncode != 0 or not lines:
            sys.exit(f"{' '.join(command)}: {done.returncode}\n{done.stderr}")
        return json.loads(lines[-1])

    def measure(self, program, events):
        return self.finished(self.command(program, events), program.environment)

    def reply_reader(self):
        """A program that reads what is replied from here on; it is there when this returns."""
        reader = subprocess.Popen([str(self.bin / "bench_feed"), self.brokers, "await"], stdout=subprocess.PIPE, text=True)
        if reader.stdout.readline().strip() != "ready":
            sys.exit("bench_feed cannot read the replies")
        return reader

    def first_reply_ns(self, reader):
        """When the first reply was read, on the steady clock."""
        said, _ = reader.communicate(timeout=90)
        if reader.returncode != 0:
            sys.exit("no reply came in a minute")
        return int(said)

    def start(self, program):
        return subprocess.Popen(self.command(program, 0), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env={**os.environ, **program.environment})


def end(process):
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)


def median(values):
    return statistics.median(values)


def spread(values, digits):
    return f"{median(values):.{digits}f} [{min(values):.{digits}f}..{max(values):.{digits}f}]"


def status_of(pid):
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    number = lambda key: int(re.search(rf"^{key}:\s+(\d+)", text, re.M).group(1))
    return {"rss_mib": number("VmRSS") / 1024, "own_mib": number("RssAnon") / 1024, "threads": number("Threads"),
            "cpu_s": (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")}


def first_event_ns(process):
    """When the first event was in the handler, on the steady clock."""
    limit = threading.Timer(60, process.kill)            # so that the wait for its line ends
    limit.start()
    line = next((line for line in process.stderr if line.startswith("first ")), None)
    limit.cancel()
    if line is None:
        sys.exit("no event was handled in a minute")
    return int(line.split()[1])


def broker_of(arguments, gib=2):
    """The given one, or one of our own, in memory where there is a folder for that with so much room; the function ends it."""
    if arguments.brokers:
        return arguments.brokers, lambda: None
    shared = pathlib.Path("/dev/shm")
    folder = tempfile.mkdtemp(prefix="polka-bench-", dir=shared if shared.is_dir() and shutil.disk_usage(shared).free > gib << 30 else None)
    port = 20000 + os.getpid() % 9000
    done = subprocess.run([str(ROOT / "deploy/kafka/up"), "--port", str(port), "--dir", folder, "--set", "log.retention.check.interval.ms=5000"],
                          stdout=subprocess.PIPE, text=True, check=True)

    def end_broker():
        subprocess.run([str(ROOT / "deploy/kafka/down"), "--dir", folder], check=False)
        shutil.rmtree(folder, ignore_errors=True)
    return done.stdout.split()[-1], end_broker
