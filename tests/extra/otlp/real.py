"""OpenTelemetry's own Collector (collector/main.go), the shop, and what the Collector understood of it: it writes that into a file, which is
held against the events on the wire, and field by field against what services sent. What is no OTLP it refuses, so that it does judge."""
import collections
import copy
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import unittest
import urllib.error
import urllib.request

import collector
from behaves import verdict
from support import BUILD, SHOP, wait_for
from traces import EVENTS, SPANS, TracedCase

PROGRAM = os.environ.get("POLKA_COLLECTOR")
DEAD = 3
ENDINGS = (                                                  # of orders: how many, what they are placed with, how many events each is in the end
    (12, {}, EVENTS),
    (5, {"total": 500001}, 4),                               # declined
    (4, {"lines": [{"sku": "apple", "quantity": 101, "unit_price": 10}]}, 5),    # out of stock
    (DEAD, {"total": 0}, 2),                                 # one of them its dead letter
)

CONFIGURATION = """
receivers:
  otlp:
    protocols:
      http: {{endpoint: "127.0.0.1:{port}"{tls}}}
processors:
  batch: {{timeout: 50ms}}
exporters:
  file: {{path: "{file}", flush_interval: 50ms}}
service:
  pipelines:
    traces: {{receivers: [otlp], processors: [batch], exporters: [file]}}
  telemetry:
    logs: {{level: debug, encoding: json}}
    metrics:
      readers: [{{pull: {{exporter: {{prometheus: {{host: 127.0.0.1, port: {metrics}}}}}}}}}]
"""


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as once:
        return once.getsockname()[1]


class Started:
    """A program that takes a Collector's configuration, until it says that it is ready; its log is in `folder`."""

    def __init__(self, program, folder, configuration):
        os.makedirs(folder, exist_ok=True)
        path, self.logged = os.path.join(folder, "collector.yaml"), os.path.join(folder, "log")
        with open(path, "w") as file:
            file.write(configuration)
        with open(self.logged, "w") as log:
            self.process = subprocess.Popen([program, "--config", "file:" + path], stdout=log, stderr=subprocess.STDOUT)
        try:
            wait_for(program, lambda: self.process.poll() is not None or "Everything is ready" in self.log(), 30)
            if self.process.poll() is not None:
                raise AssertionError(f"{program} does not start: {self.log()}")
        except AssertionError:
            self.kill()
            raise

    def log(self):
        with open(self.logged) as file:
            return file.read()

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


class Collector(Started):
    """Of OpenTelemetry, on a port of its own; it writes what it understood."""

    def __init__(self, folder, port, tls):
        self.file, self.port, self.metrics = os.path.join(folder, "traces.json"), port or free_port(), free_port()
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        super().__init__(PROGRAM, folder, CONFIGURATION.format(port=self.port, metrics=self.metrics, file=self.file, tls=tls))

    def understood(self):
        """Each resource with its spans, in its own words. The last line may still be on its way."""
        if not os.path.exists(self.file):
            return []
        with open(self.file) as file:
            return [each for line in file if line.endswith("\n") for each in json.loads(line)["resourceSpans"]]

    def spans(self):
        """All that it understood, each span checked as the stand-in checks it."""
        return [span for each in self.understood() for span in collector.check_resource(whole(each))]

    def counted(self):
        """Its own counts of spans: of all transports and exporters, by what became of them."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics}/metrics", timeout=10) as answer:
            found = collections.Counter()
            for name, value in re.findall(r"^otelcol_(\w+_spans)(?:_total)?{.*} (\S+)$", answer.read().decode(), re.MULTILINE):
                found[name] += int(float(value))
        return found

    def send(self, body):
        """A request of our own: status and answer."""
        request = urllib.request.Request(self.url + "/v1/traces", body, {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, json.load(refused)


def whole(resource):
    """The Collector leaves out lists without items, which services write."""
    resource = copy.deepcopy(resource)
    for scope in resource["scopeSpans"]:
        for span in scope["spans"]:
            span.setdefault("links", [])
    return resource


def flat(resources):
    """By span: the resource, scope and span as they were written, with attributes in any order."""
    def sorted_by_key(attributes):
        return sorted(attributes, key=lambda each: each["key"])
    found = {}
    for resource in resources:
        for scope in whole(resource)["scopeSpans"]:
            for span in scope["spans"]:
                span["attributes"] = sorted_by_key(span["attributes"])
                found[span["spanId"]] = {"resource": sorted_by_key(resource["resource"].get("attributes", [])), "scope": scope["scope"], "span": span}
    return found


class JudgedCase(TracedCase):
    def manifests(self):
        return [json.loads(subprocess.check_output([os.path.join(BUILD, "bin", name), "--describe"], env=self.environment)) for name in SHOP]

    def orders_of_every_ending(self):
        """Orders, to their ends: what `polka emit` said of each, and all events without dead letters."""
        placed = [(self.place(**values), events) for count, values, events in ENDINGS for _ in range(count)]
        flows = [self.flow(sent, count) for sent, count in placed]
        self.assertEqual([len(flow) for flow in flows], [count for _, count in placed])
        return [sent for sent, _ in placed], [row for flow in flows for row in flow if not row["dead_letter"]]


class Real(JudgedCase):
    started = 0

    def start(self, port=None, tls=""):
        self.started += 1
        started = Collector(os.path.join(self.root, f"collector-{self.started}"), port, tls)
        self.addCleanup(started.kill)
        return started

    def collect(self, tls="", **variables):
        self.collector = self.start(tls=tls)
        self.environment.update({"OTEL_EXPORTER_OTLP_ENDPOINT": self.collector.url, "OTEL_BSP_SCHEDULE_DELAY": "50", **variables})

    def warned_of_traces(self):
        rows = [json.loads(line) for line in self.log().splitlines()]
        return [row["message"] for row in rows if row["level"] in ("warn", "error") and row["message"].startswith(("traces", "spans"))]

    def end(self, of, spans):
        """It took and wrote so many spans, refused none, ends with 0, and had nothing to warn of."""
        wait_for("its counts", lambda: of.counted()["exporter_sent_spans"] >= spans)
        counted = of.counted()
        self.assertEqual({name: count for name, count in counted.items() if count > 0},
                         {name: spans for name in ("receiver_accepted_spans", "exporter_sent_spans") if spans > 0})
        of.process.send_signal(signal.SIGTERM)
        self.assertEqual(of.process.wait(30), 0, of.log())
        lines = [json.loads(line) for line in of.log().splitlines()]
        self.assertEqual([line for line in lines if line["level"] not in ("debug", "info")], [])
        self.assertEqual(len(of.spans()), spans)

    def test_understands_orders_of_every_ending_as_traces_that_are_whole(self):
        self.collect()
        process = self.dev()
        placed, events = self.orders_of_every_ending()
        hear = collections.Counter(reaction["event"] for manifest in self.manifests() for reaction in manifest["reactions"])
        expected = sum(hear[row["type"]] + 1 for row in events)
        spans = self.spans_of(expected)
        self.agree_with_the_wire(events, spans)

        traces = collections.defaultdict(list)
        for span in spans:
            traces[span["trace"]].append(span)
        first = self.headers_of({"shop.orders"})
        begun = {first[sent["id"]]["traceparent"].split("-")[1] for sent in placed}
        there = {(span["trace"], span["span"]) for span in spans}
        self.assertEqual(len(there), len(spans), "each has an id of its own")
        self.assertEqual(set(traces), begun, "an order is one trace, and there is none besides")
        self.assertEqual({len({span["messaging.message.conversation_id"] for span in trace}) for trace in traces.values()}, {1})
        roots = [span for span in spans if span["parent"] is None]
        self.assertEqual(collections.Counter(span["trace"] for span in roots), collections.Counter(traces.keys()), "each has one root")
        self.assertEqual({(span["service"], span["kind"], span["cloudevents.event_type"]) for span in roots}, {("emit", "send", "shop.OrderPlaced")})
        self.assertEqual([span for span in spans if span["parent"] is not None and (span["trace"], span["parent"]) not in there], [], "every other parent is there")
        self.assertEqual([link for span in spans for link in span["links"] if link not in there], [], "and so is all that is linked")
        failed = [span for span in spans if span["status"]]
        self.assertEqual({(span["service"], span["error.type"], span["status"]["code"]) for span in failed}, {("payments", "dead", 2)})
        self.assertEqual(len(failed), DEAD)
        self.assertEqual({span["service"] for span in spans}, {*SHOP, "emit"})
        self.stop(process)
        self.assertEqual(self.warned_of_traces(), [])
        self.end(self.collector, expected)
        for name in ("emit", *SHOP):
            kinds = collections.Counter(span["kind"] for span in spans if span["service"] == name)
            print(f"service.name {name}: {kinds['send']} spans of kind PRODUCER, {kinds['process']} of kind CONSUMER")
        print(f"{len(placed)} orders are {len(traces)} traces of {len(spans)} spans, {len(spans) - len(roots)} of them with a parent and "
              f"{sum(len(span['links']) for span in spans)} with a link; {len(failed)} with an error; none refused, no warning")

    def test_has_every_field_that_was_sent(self):
        """The Collector passes over fields that it does not know: what was sent, less what it wrote, must be nothing."""
        TracedCase.collect(self, OTEL_RESOURCE_ATTRIBUTES="place=caf%C3%A9 %22%E2%82%AC%F0%9F%90%9F%22%0A,deployment.environment.name=test")
        kept, real = self.collector, self.start()
        process = self.dev()
        self.order()
        self.polka("emit", "shop.OrderPlaced", "--sample", "--data", '{"total": 0}', "--key", 'a "key" \\ é €\u2028\U0001f41f\x01')
        wait_for("all spans", lambda: len(kept.spans()) >= SPANS + 2)
        self.stop(process)
        bodies = [body for _, _, body, _ in kept.requests]
        for body in bodies:
            self.assertEqual(real.send(body), (200, {"partialSuccess": {}}))
        sent = flat([each for body in bodies for each in json.loads(body)["resourceSpans"]])
        wait_for("all that was sent", lambda: len(real.spans()) >= len(sent))
        self.assertEqual(flat(real.understood()), sent)
        names = {each["key"] for row in sent.values() for each in row["span"]["attributes"] + row["resource"]}
        self.end(real, SPANS + 2)
        print(f"{len(sent)} spans with {len(names)} attributes are, field by field, what was sent")

    def test_refuses_what_is_no_otlp(self):
        self.collector = self.start()
        good = {"traceId": "5b8efff798038103d269b633813fc60c", "spanId": "eee19b7ec3c1b174", "name": "send shop.orders", "kind": 4,
                "startTimeUnixNano": "1700000000000000000", "endTimeUnixNano": "1700000000000000001",
                "attributes": [{"key": "messaging.kafka.offset", "value": {"intValue": "9007199254740993"}}]}

        def request(**changes):
            return json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [{**good, **changes}]}]}]}).encode()
        wrong = {
            "an id of a byte": request(spanId="ee"),
            "a trace of eight bytes": request(traceId=good["spanId"]),
            "an id in base64": request(traceId="W47/95gDgQPSabYzgT/GDA=="),
            "an id that is no hexadecimal": request(spanId="gee19b7ec3c1b174"),
            "a kind that nobody knows": request(kind="CONSUMED"),
            "a time that is no number": request(startTimeUnixNano="today"),
            "a number with a letter": request(attributes=[{"key": "n", "value": {"intValue": "5x"}}]),
            "half a request": request()[:-20],
        }
        for what, body in wrong.items():
            status, answer = self.collector.send(body)
            self.assertEqual(status, 400, f"{what}: {answer}")
            print(f"{what} is refused: {status} {answer['message'].split(',')[0]}")
        self.assertEqual(self.collector.send(request()), (200, {"partialSuccess": {}}))
        wait_for("the good one", self.collector.understood)
        understood = [row["span"] for row in flat(self.collector.understood()).values()]
        self.assertEqual(understood, [{**good, "links": [], "status": {}}], "and nothing besides; its number is whole, which no double holds")

    def test_that_is_started_anew_is_found_again(self):
        self.collect()
        process = self.dev()
        self.order()
        self.spans_of(SPANS)
        self.end(self.collector, SPANS)
        self.collector = self.start(port=self.collector.port)
        self.order()
        self.spans_of(SPANS)
        self.stop(process)
        self.assertEqual(self.warned_of_traces(), [])
        self.end(self.collector, SPANS)
        print("spans arrive at a Collector that was ended and started again, with no warning and none lost")

    def certify(self, name, *issuer):
        """A certificate of `name` and its key, of its own or of an issuer."""
        path = os.path.join(self.root, name)
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", f"/CN={name}",
                        "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", path + ".key", "-out", path + ".pem", *issuer], check=True, capture_output=True)
        return path + ".pem", path + ".key"

    @unittest.skipUnless(shutil.which("openssl"), "no openssl")
    def test_that_asks_for_certificates_is_given_them(self):
        authority, its_key = self.certify("authority")
        server, server_key = self.certify("server", "-CA", authority, "-CAkey", its_key)
        client, client_key = self.certify("client", "-CA", authority, "-CAkey", its_key)
        stranger, stranger_key = self.certify("stranger")
        tls = f', tls: {{cert_file: "{server}", key_file: "{server_key}", client_ca_file: "{authority}"}}'
        self.collect(tls, OTEL_EXPORTER_OTLP_CERTIFICATE=authority, OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE=client, OTEL_EXPORTER_OTLP_CLIENT_KEY=client_key)
        process = self.dev()
        self.order()
        self.spans_of(SPANS)
        self.stop(process)
        self.assertEqual(self.warned_of_traces(), [])
        wrong = (
            ({"OTEL_EXPORTER_OTLP_CERTIFICATE": stranger}, "OTEL_EXPORTER_OTLP_CERTIFICATE names who is trusted"),
            # Half of the time what a service gets of that refusal is an alert, else a reset: each is to name the certificate.
            ({"OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE": stranger, "OTEL_EXPORTER_OTLP_CLIENT_KEY": stranger_key},
             "broke off: .*; over TLS that may be a refusal: OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE and OTEL_EXPORTER_OTLP_CLIENT_KEY say who we are"),
            ({"OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE": "", "OTEL_EXPORTER_OTLP_CLIENT_KEY": ""}, "broke off: .*; over TLS that may be a refusal"),
        )
        right = self.environment
        for changes, words in wrong:
            self.environment = {**right, **changes}
            known = len(self.warned_of_traces())
            process = self.dev()
            self.order()
            wait_for("a word about it", lambda: len(self.warned_of_traces()) > known)
            self.stop(process)
            warned = [each for each in self.warned_of_traces()[known:] if each.startswith("traces are not exported")]
            for each in warned:
                self.assertRegex(each, words)
        self.assertEqual(len(self.collector.spans()), SPANS, "and no more")
        print("over TLS with certificates of both sides spans arrive, and with others none")


if __name__ == "__main__":
    raise SystemExit(verdict(Real, "ways of OpenTelemetry's Collector"))
