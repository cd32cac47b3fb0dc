"""A stand-in for an OTLP collector: it answers as it is told, keeps what it was sent, and holds each request, field by field, against
opentelemetry-proto's trace.proto in its JSON form: names, types, ids in hexadecimal, 64-bit numbers as decimal texts, enumerations as numbers."""
import http.server
import json
import re
import socket
import threading
import time


class Wrong(Exception):
    pass


def need(condition, what):
    if not condition:
        raise Wrong(what)


def members(value, where, required, optional=()):
    need(isinstance(value, dict), f"{where} is no object")
    need(set(required) <= set(value), f"{where} lacks {sorted(set(required) - set(value))}")
    need(set(value) <= set(required) | set(optional), f"{where} has {sorted(set(value) - set(required) - set(optional))}, which OTLP does not know")


def is_id(value, digits, where):
    need(isinstance(value, str) and re.fullmatch(f"[0-9a-f]{{{digits}}}", value) and int(value, 16) != 0, f"{where} is no id of {digits} digits: {value!r}")


def attributes(values, where):
    """As a dictionary; no key twice."""
    need(isinstance(values, list), f"{where} is no list")
    found = {}
    for at, each in enumerate(values):
        place = f"{where}[{at}]"
        members(each, place, ("key", "value"))
        need(isinstance(each["key"], str) and each["key"] and each["key"] not in found, f"{place}.key {each['key']!r} is empty, no text or there twice")
        need(isinstance(each["value"], dict) and len(each["value"]) == 1, f"{place}.value has not one member")
        (kind, value), = each["value"].items()
        need(kind in ("stringValue", "intValue"), f"{place}.value has {kind}")
        need(isinstance(value, str), f"{place}.value.{kind} is no text")
        need(kind == "stringValue" or re.fullmatch(r"-?(0|[1-9]\d*)", value), f"{place}.value.intValue {value!r} is no number")
        found[each["key"]] = value if kind == "stringValue" else int(value)
    return found


def time_of(value, where):
    need(isinstance(value, str) and re.fullmatch(r"[1-9]\d{18}", value), f"{where} {value!r} is no time in nanoseconds since 1970")
    return int(value)


def check_span(span, where):
    members(span, where, ("traceId", "spanId", "flags", "name", "kind", "startTimeUnixNano", "endTimeUnixNano", "attributes", "links", "status"), ("parentSpanId",))
    is_id(span["traceId"], 32, f"{where}.traceId")
    is_id(span["spanId"], 16, f"{where}.spanId")
    if "parentSpanId" in span:
        is_id(span["parentSpanId"], 16, f"{where}.parentSpanId")
    need(type(span["flags"]) is int and span["flags"] & 0xff == 1 and span["flags"] & 0x100, f"{where}.flags {span['flags']!r}")
    need(span["kind"] in (4, 5) and type(span["kind"]) is int, f"{where}.kind {span['kind']!r}")
    began, ended = (time_of(span[name], f"{where}.{name}") for name in ("startTimeUnixNano", "endTimeUnixNano"))
    need(began <= ended and abs(time.time() - ended / 1e9) < 600, f"{where} is from {began} to {ended}")
    found = attributes(span["attributes"], f"{where}.attributes")
    verb = {4: "send", 5: "process"}[span["kind"]]
    need(span["name"] == f"{verb} {found.get('messaging.destination.name')}", f"{where}.name {span['name']!r}")
    need(found.get("messaging.system") == "kafka" and found.get("messaging.operation.name") == found.get("messaging.operation.type") == verb, f"{where}: {found}")
    need(isinstance(found.get("messaging.kafka.offset", 0), int) and found.get("messaging.kafka.offset", 0) >= 0, f"{where}: {found}")
    need(re.fullmatch(r"\d+", found.get("messaging.destination.partition.id", "0")), f"{where}: {found}")
    need(("messaging.consumer.group.name" in found) == (verb == "process"), f"{where}: {found}")
    need(found.get("messaging.message.id") and found.get("messaging.message.conversation_id"), f"{where}: {found}")
    for at, link in enumerate(span["links"]):
        members(link, f"{where}.links[{at}]", ("traceId", "spanId", "flags"))
        is_id(link["traceId"], 32, f"{where}.links[{at}].traceId")
        is_id(link["spanId"], 16, f"{where}.links[{at}].spanId")
    members(span["status"], f"{where}.status", (), ("code", "message"))
    need(("error.type" in found) == (span["status"].get("code") == 2), f"{where}: status {span['status']}, error.type {found.get('error.type')}")
    return {"trace": span["traceId"], "span": span["spanId"], "parent": span.get("parentSpanId"), "kind": verb, "links": [(l["traceId"], l["spanId"]) for l in span["links"]],
            "began": began, "ended": ended, "status": span["status"], "flags": span["flags"], **found}


def check_resource(resource):
    """The spans of one resource, each with the name of its service; Wrong where it is none of OTLP."""
    members(resource, "resourceSpans[]", ("resource", "scopeSpans"))
    members(resource["resource"], "resource", ("attributes",))
    of_resource = attributes(resource["resource"]["attributes"], "resource.attributes")
    for name in ("service.name", "service.version", "service.instance.id", "telemetry.sdk.name", "telemetry.sdk.language", "telemetry.sdk.version"):
        need(of_resource.get(name), f"the resource lacks {name}")
    spans = []
    for scope in resource["scopeSpans"]:
        members(scope, "scopeSpans[]", ("scope", "spans"))
        members(scope["scope"], "scope", ("name", "version"))
        need(scope["spans"], "a request without spans")
        spans += [{"service": of_resource["service.name"], "resource": of_resource, **check_span(span, f"spans[{at}]")} for at, span in enumerate(scope["spans"])]
    return spans


def check_request(path, headers, body):
    """The spans of a request; Wrong where it is none of OTLP."""
    need(headers.get("Content-Type") == "application/json", f"Content-Type {headers.get('Content-Type')}")
    need(path.endswith("/v1/traces") or path == "/as-it-is", f"path {path}")
    whole = json.loads(body.decode("utf-8"))
    members(whole, "request", ("resourceSpans",))
    need(len(whole["resourceSpans"]) == 1, "one resource a request")
    return check_resource(whole["resourceSpans"][0])


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        collector = self.server.collector
        with collector.lock:
            collector.requests.append((self.path, self.headers, body, time.monotonic()))
            status, headers, answer = collector.answers.pop(0) if len(collector.answers) > 1 else collector.answers[0]
        if status == "hang":
            collector.over.wait(60)
            return
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


class Collector:
    """answers: (status or "hang", headers, body) one after the other; the last one for ever."""

    def __init__(self, *answers):
        self.answers = list(answers) or [(200, {"Content-Type": "application/json"}, b"{}")]
        self.requests, self.lock, self.over = [], threading.Lock(), threading.Event()
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None       # who was waited for has gone
        self.server.collector = self
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.over.set()
        self.server.shutdown()
        self.server.server_close()

    def spans(self):
        """Of all requests so far; each request is checked."""
        with self.lock:
            requests = list(self.requests)
        return [span for path, headers, body, _ in requests for span in check_request(path, headers, body)]


def closed_port():
    """An address where nobody answers."""
    with socket.create_server(("127.0.0.1", 0)) as once:
        return f"http://127.0.0.1:{once.getsockname()[1]}"
