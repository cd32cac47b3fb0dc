"""OpenTelemetry: what services of the shop export while orders flow, and that a collector that hangs changes nothing of what they do.
All else that a collector may do is in tests/extra/otlp."""
import time

import collector
from support import ShopCase, wait_for

EVENTS = 6                                                   # of an order that ends well
SPANS = 6 + 5                                                # sends, the first by `polka emit`, and reactions


class TracedCase(ShopCase):
    """The services and `polka emit` export to self.collector."""

    def collect(self, *answers, **variables):
        self.collector = collector.Collector(*answers)
        self.addCleanup(self.collector.close)
        self.environment.update({"OTEL_EXPORTER_OTLP_ENDPOINT": self.collector.url, "OTEL_BSP_SCHEDULE_DELAY": "50", **variables})

    def order(self, **values):
        """An order, to its end; the events of its flow."""
        sent = self.place(**values)
        return self.flow(sent, EVENTS)

    def spans_of(self, count, seconds=20):
        return wait_for(f"{count} spans", lambda: (lambda spans: spans if len(spans) >= count else None)(self.collector.spans()), seconds)

    def headers_of(self, topics):
        return {row["headers"]["ce_id"]: row["headers"] for row in self.rows("tail", *topics, "-o", "start", "--until-idle", "1s", "--format", "json")}

    def flows_on(self, *answers, most=7, **variables):
        """Whatever the collector does: orders end, and so does the shop, in time and with 0. Its log."""
        self.collect(*answers, **variables)
        process = self.dev()
        self.order()
        wait_for("a request", lambda: self.collector.requests or "OTEL_EXPORTER_OTLP_ENDPOINT" in variables)
        self.order()
        began = time.monotonic()
        self.stop(process)
        self.assertLess(time.monotonic() - began, most)
        return self.log()

    def agree_with_the_wire(self, events, spans):
        """The spans of whole flows, held against the events of these flows."""
        sends = {span["messaging.message.id"]: span for span in spans if span["kind"] == "send"}
        handled = {(span["messaging.message.id"], span["service"]): span for span in spans if span["kind"] == "process"}
        by_id = {row["id"]: row for row in events}
        self.assertEqual(set(sends), set(by_id), "each event has the span of its send")
        self.assertEqual(len(sends) + len(handled), len(spans), "none is there twice")
        wire = self.headers_of({span["messaging.destination.name"] for span in spans})
        for id, span in sends.items():
            self.assertEqual(wire[id]["traceparent"], f"00-{span['trace']}-{span['span']}-01", "the event names the span that sent it")
            if by_id[id]["depth"] == 0:
                self.assertEqual((span["service"], span["parent"], span["links"]), ("emit", None, []), "with it the trace begins")
            else:
                cause = handled[(by_id[id]["causation_id"], span["service"])]
                self.assertEqual((span["trace"], span["parent"]), (cause["trace"], cause["span"]), "what a reaction emits is its child")
            self.assertEqual(span["cloudevents.event_type"], by_id[id]["type"])
            self.assertGreaterEqual(span["messaging.kafka.offset"], 0)
        for (id, service), span in handled.items():
            trace, sender = wire[id]["traceparent"].split("-")[1:3]
            self.assertEqual((span["trace"], span["parent"]), (trace, sender), "a reaction is a child of what sent its event")
            self.assertEqual(span["links"], [(trace, sender)])
            self.assertEqual(span["messaging.consumer.group.name"], service)
            failed = "error.type" in span
            self.assertEqual((span["polka.outcome"], span["polka.attempt"], span["status"] != {}), ("dead" if failed else "done", 1, failed))
            self.assertEqual(span["messaging.kafka.offset"], sends[id]["messaging.kafka.offset"])
            self.assertEqual(span["messaging.destination.partition.id"], sends[id]["messaging.destination.partition.id"])


class Traces(TracedCase):
    def test_agree_with_what_is_on_the_wire(self):
        self.collect()
        process = self.dev()
        events = self.order()
        spans = self.spans_of(SPANS)
        self.assertEqual({span["trace"] for span in spans}, {spans[0]["trace"]}, "an order is one trace")
        self.agree_with_the_wire(events, spans)
        self.assertNotIn("dead", {span.get("polka.outcome") for span in spans})
        self.stop(process)
        self.assertEqual(len(self.collector.spans()), SPANS, "and no more")

    def test_begin_with_polka_emit_also_where_no_service_exports_and_hold_it_up_for_seconds_at_most(self):
        process = self.dev()
        self.collect()
        sent = self.place()
        self.assertEqual([(span["kind"], span["service"], span["messaging.message.id"], span["parent"]) for span in self.collector.spans()],
                         [("send", "emit", sent["id"], None)], "it is there when the command has ended")
        self.collect(OTEL_TRACES_SAMPLER="always_off")
        sent = self.place()
        self.assertEqual(self.headers_of({"shop.orders"})[sent["id"]]["traceparent"][-3:], "-00")
        self.assertEqual(self.collector.requests, [])
        self.collect(("hang", {}, b""), OTEL_TRACES_SAMPLER="")
        began = time.monotonic()
        done = self.polka("emit", "shop.OrderPlaced", "--sample")
        self.assertLess(time.monotonic() - began, 8)
        self.assertIn("traces: 0 spans were exported", done.stderr)
        self.stop(process)

    def test_to_a_collector_that_hangs_hold_up_nothing(self):
        log = self.flows_on(("hang", {}, b""))
        self.assertRegex(log, r"traces: 0 spans were exported; dropped: 0 as the queue was full, 0 that the collector refused, \d+ as it was not reached")
