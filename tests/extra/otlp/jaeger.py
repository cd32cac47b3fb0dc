"""Jaeger, all in one and in memory: the shop's orders as people see them there, by what its pages themselves ask it."""
import collections
import json
import os
import signal
import urllib.parse
import urllib.request

from behaves import verdict
from real import DEAD, JudgedCase, Started, free_port
from support import SHOP, wait_for

CONFIGURATION = """
extensions:
  jaeger_query:
    storage: {{traces: memory}}
    http: {{endpoint: "127.0.0.1:{pages}"}}
    grpc: {{endpoint: "127.0.0.1:{grpc}"}}
  jaeger_storage:
    backends: {{memory: {{memory: {{max_traces: 1000}}}}}}
receivers:
  otlp:
    protocols: {{http: {{endpoint: "127.0.0.1:{port}"}}}}
exporters:
  jaeger_storage_exporter: {{trace_storage: memory}}
service:
  extensions: [jaeger_storage, jaeger_query]
  pipelines:
    traces: {{receivers: [otlp], exporters: [jaeger_storage_exporter]}}
  telemetry:
    logs: {{encoding: json}}
    metrics: {{level: none}}
"""


class Jaeger(JudgedCase):
    def ask(self, path, **query):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.pages}{path}?{urllib.parse.urlencode(query)}", timeout=10) as answer:
            return json.load(answer)["data"] or []

    def test_shows_orders_whole_with_who_calls_whom(self):
        port, self.pages = free_port(), free_port()
        started = Started(os.environ["POLKA_JAEGER"], os.path.join(self.root, "jaeger"), CONFIGURATION.format(port=port, pages=self.pages, grpc=free_port()))
        self.addCleanup(started.kill)
        self.environment.update({"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{port}", "OTEL_BSP_SCHEDULE_DELAY": "50"})
        process = self.dev()
        placed, events = self.orders_of_every_ending()
        manifests = self.manifests()
        hear = collections.Counter(reaction["event"] for manifest in manifests for reaction in manifest["reactions"])
        expected = collections.Counter()
        for row in events:
            expected[row["correlation_id"].replace("-", "")] += hear[row["type"]] + 1

        def shown():
            traces = self.ask("/api/traces", service="payments", lookback="1h", limit=1000)
            return traces if {trace["traceID"]: len(trace["spans"]) for trace in traces} == expected else None
        traces = wait_for("each order as a trace with all of its spans", shown)
        self.stop(process)
        self.assertEqual(len(traces), len(placed))
        self.assertEqual(set(self.ask("/api/services")), {*SHOP, "emit"})
        roots = failed = 0
        for trace in traces:
            there = {span["spanID"] for span in trace["spans"]}
            without = [span for span in trace["spans"] if not span["references"] or not {each["spanID"] for each in span["references"]} <= there]
            self.assertEqual([span["operationName"] for span in without], ["send shop.orders"], "all but what `polka emit` sent hangs under another")
            roots += len(without)
            for span in trace["spans"]:
                tags = {tag["key"]: tag["value"] for tag in span["tags"]}
                self.assertEqual(tags["span.kind"], {"send": "producer", "process": "consumer"}[span["operationName"].split()[0]])
                failed += tags.get("error") is True
        self.assertEqual(failed, DEAD)
        newest_ms = max(span["startTime"] for trace in traces for span in trace["spans"]) // 1000
        calls = {(each["parent"], each["child"]) for each in self.ask("/api/dependencies", endTs=newest_ms + 60000, lookback=3600000)}
        said = {("emit", "payments")} | {(one["service"], other["service"]) for one in manifests for other in manifests
                if {emit["event"] for emit in one["emits"]} & {reaction["event"] for reaction in other["reactions"]}}
        self.assertEqual({(one, other) for one, other in calls if one != other}, said, "who calls whom is what the manifests say")
        started.process.send_signal(signal.SIGTERM)
        self.assertEqual(started.process.wait(30), 0, started.log())
        print(f"{len(placed)} orders are {len(traces)} traces of {sum(expected.values())} spans, {roots} of them roots, {failed} in red; "
              f"{len(said)} ways from service to service")


if __name__ == "__main__":
    raise SystemExit(verdict(Jaeger, "ways of Jaeger"))
