"""What services of the shop export by the variables of the standard, and that nothing that a collector does changes what they do. And each
request, read by OpenTelemetry's own classes (opentelemetry-proto), which know each field's name and type."""
import base64
import json
import unittest

from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

import collector
from support import wait_for
from traces import EVENTS, SPANS, TracedCase


def in_base64(value):
    """OTLP writes ids in hexadecimal, where protobuf's own JSON has base64: that is its only difference."""
    if isinstance(value, list):
        return [in_base64(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {name: base64.b64encode(bytes.fromhex(each)).decode() if name in ("traceId", "spanId", "parentSpanId") else in_base64(each) for name, each in value.items()}


class Otlp(TracedCase):
    def test_is_what_opentelemetry_itself_reads(self):
        self.collect()
        process = self.dev()
        self.order()
        self.polka("emit", "shop.OrderPlaced", "--sample", "--data", '{"total": 0}')
        wait_for("all spans", lambda: len(self.collector.spans()) >= SPANS + 2)
        self.stop(process)
        kinds = []
        for _, _, body, _ in self.collector.requests:
            request = json_format.ParseDict(in_base64(json.loads(body)), ExportTraceServiceRequest(), ignore_unknown_fields=False)
            spans = [span for resource in request.resource_spans for scope in resource.scope_spans for span in scope.spans]
            kinds += [(span.kind, span.status.code) for span in spans]
            for span in spans:
                self.assertEqual((len(span.trace_id), len(span.span_id)), (16, 8))
                self.assertIn(len(span.parent_span_id), (0, 8))
                self.assertLessEqual(span.start_time_unix_nano, span.end_time_unix_nano)
                values = {each.key: each.value for each in span.attributes}
                self.assertEqual(values["messaging.system"].string_value, "kafka")
                self.assertTrue(values["messaging.kafka.offset"].HasField("int_value"))
        self.assertEqual(kinds.count((Span.SPAN_KIND_PRODUCER, Status.STATUS_CODE_UNSET)), 6 + 1)
        self.assertEqual(kinds.count((Span.SPAN_KIND_CONSUMER, Status.STATUS_CODE_UNSET)), 5)
        self.assertEqual(kinds.count((Span.SPAN_KIND_CONSUMER, Status.STATUS_CODE_ERROR)), 1)
        with self.assertRaises(json_format.ParseError):      # it does look
            json_format.ParseDict({"resourceSpans": [{"scopeSpans": [{"spans": [{"trace_identity": "x"}]}]}]}, ExportTraceServiceRequest())

    def test_carry_what_the_environment_says(self):
        self.collect(OTEL_EXPORTER_OTLP_TRACES_ENDPOINT="", OTEL_EXPORTER_OTLP_HEADERS="authorization=Bearer%20t0ken,x-tenant=a",
                     OTEL_RESOURCE_ATTRIBUTES="deployment.environment.name=test,service.namespace=mine")
        self.environment["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"] = self.collector.url + "/as-it-is"
        process = self.dev()
        self.order()
        spans = self.spans_of(SPANS)
        for path, headers, _, _ in self.collector.requests:
            self.assertEqual((path, headers["authorization"], headers["x-tenant"]), ("/as-it-is", "Bearer t0ken", "a"))
        self.assertEqual({span["resource"]["deployment.environment.name"] for span in spans}, {"test"})
        self.assertEqual({span["resource"]["service.namespace"] for span in spans}, {"mine"})
        self.assertEqual(len({span["resource"]["service.instance.id"] for span in spans}), len({span["service"] for span in spans}))
        self.stop(process)
        self.assertNotIn("t0ken", self.log())

    def test_of_what_is_left_out_are_not_exported_and_the_flag_goes_on(self):
        self.collect(OTEL_TRACES_SAMPLER="always_off")
        process = self.dev()
        events = self.order()
        headers = self.headers_of({row["topic"] for row in events})
        self.stop(process)
        self.assertEqual(self.collector.requests, [])
        self.assertEqual(len(events), EVENTS)
        for row in events:
            self.assertEqual(headers[row["id"]]["traceparent"][-3:], "-00")

    def test_say_what_failed(self):
        self.collect()
        process = self.dev()
        self.polka("emit", "shop.OrderPlaced", "--sample", "--data", '{"total": 0}')
        failed = wait_for("a span that failed", lambda: [span for span in self.collector.spans() if "error.type" in span])[0]
        self.assertEqual((failed["kind"], failed["service"], failed["error.type"], failed["polka.outcome"]), ("process", "payments", "dead", "dead"))
        self.assertIn("total must be positive", failed["status"]["message"])
        self.stop(process)

    def test_leave_at_the_end_although_their_time_has_not_come(self):
        self.collect(OTEL_BSP_SCHEDULE_DELAY="600000")
        process = self.dev()
        self.order()
        self.assertEqual({span["service"] for span in self.collector.spans()}, {"emit"})
        self.stop(process)
        self.assertEqual(len(self.collector.spans()), SPANS)

    def test_to_a_collector_that_is_absent_hold_up_nothing(self):
        log = self.flows_on(OTEL_EXPORTER_OTLP_ENDPOINT=collector.closed_port())
        self.assertIn("traces are not exported: cannot reach http://127.0.0.1:", log)

    def test_that_are_refused_are_not_sent_again(self):
        log = self.flows_on((400, {"Content-Type": "text/plain"}, b"no \x1b[31mtenant"))
        self.assertRegex(log, r"traces are not exported: http://127\.0\.0\.1:\d+/v1/traces answers 400: no \\+x1b\[31mtenant")
        bodies = [body for _, _, body, _ in self.collector.requests]
        self.assertEqual(len(bodies), len(set(bodies)))

    def test_are_sent_again_after_the_pause_that_is_asked_for(self):
        self.collect((503, {"Retry-After": "1"}, b""), (200, {}, b"{}"), OTEL_BSP_SCHEDULE_DELAY="200")
        process = self.dev()
        self.order()
        requests = self.collector.requests
        wait_for("the batch that found no place", lambda: [body for _, _, body, _ in requests[1:] if body == requests[0][2]])
        self.stop(process)
        again = [request for request in requests[1:] if request[2] == requests[0][2]]
        self.assertEqual(len(again), 1, "it is sent once more")
        self.assertGreaterEqual(again[0][3] - requests[0][3], 0.99)

    def test_that_are_rejected_in_part_are_counted(self):
        log = self.flows_on((200, {"Content-Type": "application/json"}, b'{"partialSuccess":{"rejectedSpans":"1","errorMessage":"too old"}}'))
        self.assertRegex(log, r"the collector rejects 1 of \d+ spans: too old")

    def test_are_not_kept_up_by_an_answer_without_end(self):
        log = self.flows_on((200, {"Content-Type": "application/json"}, b" " * 1000000))
        self.assertIn("answers with more than 65536 bytes", log)

    def test_in_another_protocol_are_refused_by_name(self):
        self.collect(OTEL_EXPORTER_OTLP_PROTOCOL="grpc")
        process = self.dev()
        self.order()
        self.stop(process)
        self.assertIn("OTEL_EXPORTER_OTLP_PROTOCOL is 'grpc', and this service speaks http/json", self.log())
        self.assertEqual(self.collector.requests, [])


def verdict(case, what):
    """Runs a class of cases; its last line counts those that are as they should be."""
    result = unittest.TextTestRunner(verbosity=2).run(unittest.defaultTestLoader.loadTestsFromTestCase(case))
    print(f"{result.testsRun - len(result.failures) - len(result.errors) - len(result.skipped)} of {result.testsRun} {what} are as they should be")
    return 0 if result.wasSuccessful() and result.testsRun > len(result.skipped) else 1


if __name__ == "__main__":
    raise SystemExit(verdict(Otlp, "ways of a collector"))
