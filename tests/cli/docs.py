"""docs asyncapi, docs html: what manifests say, written down; tests/extra/asyncapi has AsyncAPI's own parser judge the documents."""
import copy
import html.parser
import json
import os
import re

from support import PAID, PLACED, manifest
from choreography import BUILD, SHIPPED, SHOP, TREE, Choreography, unittest

HOSTILE = ("</style><script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "' onload='x", "a\033[31mb", "&lt;b&gt;", "{{x}}", "\u2028", "---\nx: y")
VOID = ("meta", "path", "rect", "br", "img", "link")


def unquote(text):
    return json.loads(re.sub(r"\\U([0-9A-F]{8})", lambda m: json.dumps(chr(int(m[1], 16)))[1:-1], text)) if text.startswith('"') else text


def scalar(text):
    if text in ("{}", "[]", "null", "true", "false") or re.fullmatch(r"-?[0-9][0-9.e+-]*", text):
        return json.loads(text)
    return unquote(text)


def read_yaml(text):
    """The YAML that polka writes, and no other: blocks by two spaces, texts plain or in double quotes, a member or an item a line."""
    lines = [(len(line) - len(line.lstrip(" ")), line.lstrip(" ")) for line in text.splitlines() if line]
    member = re.compile(r'("(?:[^"\\]|\\.)*"|[^":]+):(?: (.*))?$')

    def block(at, depth):
        into = [] if lines[at][1].startswith("- ") else {}
        while at < len(lines) and lines[at][0] == depth:
            line = lines[at][1]
            if isinstance(into, list):
                rest = line[2:]
                if rest.startswith(("- ", "? ")) or member.fullmatch(rest):
                    lines[at] = (depth + 2, rest)
                    value, at = block(at, depth + 2)
                else:
                    value, at = scalar(rest), at + 1
                into.append(value)
                continue
            if line.startswith("? "):    # a name of more than 1024 characters must stand so
                name, value = line[2:], lines[at + 1][1][2:] or None
                at += 1
            else:
                name, value = member.fullmatch(line).groups()
                assert len(name) <= 1024, len(name)
            at += 1
            if value is None:
                value, at = block(at, depth + 2)
            else:
                value = scalar(value)
            into[unquote(name)] = value
        return into, at
    return block(0, 0)[0]


class Page(html.parser.HTMLParser):
    """The tags, the ids, where links lead, and the text of a page; tags must close in their order."""
    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.ids, self.links, self.text = [], [], [], [], ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        self.tags.append((tag, values))
        self.ids += [values["id"]] if "id" in values and tag != "marker" else []
        self.links += [values["href"]] if "href" in values else []
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag, (tag, self.open)

    def handle_data(self, data):
        self.text += data


class AsyncApi(Choreography):
    def document(self, *arguments, **more):
        return json.loads(self.polka("docs", "asyncapi", *arguments, "--format", "json", **more).stdout)

    def test_a_service_has_channels_messages_and_operations_by_its_manifest(self):
        said = self.document(self.good(), "--service", "payments")
        self.assertEqual((said["asyncapi"], said["info"]["title"], said["info"]["version"]), ("3.0.0", "payments", "1.0.0"))
        self.assertNotIn("servers", said)
        self.assertEqual({name: channel["address"] for name, channel in said["channels"].items()}, {"demo.orders": "demo.orders", "demo.payments": "demo.payments"})
        on, emit = said["operations"]["on-demo.Placed"], said["operations"]["emit-demo.Paid"]
        self.assertEqual((on["action"], on["title"], on["x-emits"], on["bindings"]["kafka"]["groupId"]["enum"]), ("receive", "demo.Placed", ["demo.Paid"], ["payments"]))
        self.assertEqual(on["messages"], [{"$ref": "#/channels/demo.orders/messages/demo.Placed"}])
        self.assertEqual((emit["action"], emit["x-caused-by"], emit["channel"]), ("send", ["demo.Placed"], {"$ref": "#/channels/demo.payments"}))

    def test_a_message_has_avro_headers_key_correlation_and_a_sample(self):
        message = self.document(self.good(), "--service", "payments")["components"]["messages"]["demo.Placed"]
        self.assertEqual(message["payload"], {"schemaFormat": "application/vnd.apache.avro;version=1.9.0", "schema": PLACED})
        self.assertEqual((message["contentType"], message["correlationId"]["location"]), ("application/avro", "$message.header#/ce_correlationid"))
        self.assertEqual(message["headers"]["properties"]["ce_type"]["const"], "demo.Placed")
        self.assertEqual(message["bindings"]["kafka"]["key"], {"type": "string", "description": "the field order_id of the value"})
        self.assertEqual(sorted(message["examples"][0]["payload"]), ["lines", "note", "order_id", "total"])

    def test_without_a_name_each_service_has_a_document(self):
        lines = self.polka("docs", "asyncapi", self.good(), "--format", "json").stdout.splitlines()
        self.assertEqual([json.loads(line)["info"]["title"] for line in lines], ["payments", "shipping", "storefront"])
        self.assertEqual(self.polka("docs", "asyncapi", self.good()).stdout.count("---\nasyncapi: \"3.0.0\"\n"), 2)

    def test_merged_every_reaction_reads_what_is_written(self):
        wider = copy.deepcopy(PAID)
        wider["fields"].append({"name": "note", "type": "string", "default": ""})
        where = self.folder(self.storefront, self.payments, manifest("shipping", [wider], [SHIPPED]))
        said = self.document(where, "--merged")
        self.assertEqual((said["info"]["title"], said["info"]["version"]), ("services", "1.0.0"))
        self.assertEqual(said["components"]["messages"]["demo.Paid"]["payload"]["schema"], PAID)
        self.assertEqual(said["operations"]["shipping-on-demo.Paid"]["messages"], [{"$ref": "#/channels/demo.payments/messages/demo.Paid"}])
        self.assertEqual(sorted(said["operations"]), ["payments-emit-demo.Paid", "payments-on-demo.Placed", "shipping-emit-demo.Shipped", "shipping-on-demo.Paid",
                                                      "storefront-emit-demo.Placed"])
        self.assertEqual(self.document(where, "--service", "shipping")["components"]["messages"]["demo.Paid"]["payload"]["schema"], wider)

    def test_two_versions_that_write_differently_have_a_message_each(self):
        wider = copy.deepcopy(PAID)
        wider["fields"].append({"name": "note", "type": "string", "default": ""})
        said = self.document(self.folder(self.payments, {**manifest("payments", [PLACED], [wider]), "version": "1.1.0"}, self.shipping), "--merged")
        self.assertEqual(sorted(said["components"]["messages"]), ["demo.Paid", "demo.Paid-2", "demo.Placed", "demo.Shipped"])
        self.assertEqual(len(said["operations"]["shipping-on-demo.Paid"]["messages"]), 2)
        self.assertEqual(said["info"]["version"], "mixed")

    def test_in_a_project_topics_are_as_polka_yaml_has_them_and_servers_where_they_are_named(self):
        self.write("polka.yaml", "name: demo\ntopics:\n  demo.orders: { partitions: 12, replication: 3, retention: 7d }\n  demo.payments: { compacted: true }\n"
                                 "settings: { brokers: 'a:9092,b:9092' }\n")
        said = self.document("--merged")
        self.assertEqual(said["info"]["title"], "demo")
        self.assertEqual(said["channels"]["demo.orders"]["bindings"]["kafka"], {
            "topic": "demo.orders", "partitions": 12, "replicas": 3, "topicConfiguration": {"cleanup.policy": ["delete"], "retention.ms": 604800000}, "bindingVersion": "0.5.0"})
        self.assertEqual(said["channels"]["demo.payments"]["bindings"]["kafka"]["topicConfiguration"]["cleanup.policy"], ["compact"])
        self.assertEqual({name: server["host"] for name, server in said["servers"].items()}, {"kafka-1": "a:9092", "kafka-2": "b:9092"})
        self.assertEqual(self.document("--merged", "--brokers", "c:1")["servers"]["kafka-1"], {"host": "c:1", "protocol": "kafka"})

    def test_yaml_and_json_say_the_same_whatever_the_names_are(self):
        odd = copy.deepcopy(PLACED)
        odd["doc"] = "".join(HOSTILE) + "\x85\ufeff\x7f\U0001f600"
        odd["long"], long = {"k" * 1100: 1, "\u00e9" * 700: {"a": [], "\n" * 600: [1, {"k" * 1001: {"b": 2}}]}}, "s" * 1025
        odd["odd"] = [{"k" * 1025: 0, "z": 1}, "true", "yes", "1", "1.5", "null", "", " x", "- a", "a: b", "#", 1, 1.5, True, None, [], {}, [[1, [2]], {"a": {"b": [{}]}}]]
        where = self.folder(*[json.dumps(manifest(name, [odd], [PAID])) for name in HOSTILE + ("true", "~", "1.0", "- a", "a: b", "&x", long)])
        for arguments in (("--merged",), ("--service", long), ("--service", HOSTILE[0]), ("--service", "true")):
            self.assertEqual(read_yaml(self.polka("docs", "asyncapi", where, *arguments).stdout), self.document(where, *arguments))

    def test_a_number_is_one_for_every_reader_of_yaml(self):
        numbers = [1e20, -1e-9, 2.5e300, 3.0, 0.1]
        text = self.polka("docs", "asyncapi", self.folder(manifest("payments", [], [{**PAID, "odd": numbers}])), "--merged").stdout
        said = [line.strip()[2:] for line in text.splitlines() if re.fullmatch(r"- -?[0-9].*", line.strip())]
        self.assertEqual([float(one) for one in said], numbers)
        for one in said:                 # YAML 1.1, float; 1.2 takes these too
            self.assertRegex(one, r"^[-+]?[0-9][0-9_]*\.[0-9]*([eE][-+][0-9]+)?$")

    def test_a_topic_that_kafka_refuses_is_no_address_and_a_reference_in_a_schema_none(self):
        bad = {**PLACED, "polka.topic": "orders/{id}", "$ref": "#/info", "x": {"$ref": "http://127.0.0.1/"}}
        said = self.document(self.folder(manifest("wild", [], [bad])), "--merged")
        channel, = said["channels"].items()
        self.assertEqual((channel[0], channel[1]["address"]), ("orders__id_", None))
        schema = said["components"]["messages"]["demo.Placed"]["payload"]["schema"]
        self.assertEqual((schema["x"], "$ref" in schema), ({}, False))

    def test_what_cannot_be_read_whole_has_no_document(self):
        torn = {**self.payments, "version": None}
        self.assertIn("version is missing", self.polka("docs", "asyncapi", self.folder(torn, self.shipping), "--merged", code=1).stderr)
        self.polka("docs", "asyncapi", os.path.join(self.root, "manifests"), "--service", "shipping")
        wrong = manifest("payments", [], [{**PAID, "type": "recrod"}])
        done = self.polka("docs", "asyncapi", self.folder(wrong, name="wrong"), code=1)
        self.assertIn("demo.Paid", done.stderr)
        self.assertEqual(done.stdout, "")

    def test_wrong_words_are_refused(self):
        self.assertIn("did you mean 'payments'?", self.polka("docs", "asyncapi", self.good(), "--service", "payment", code=2).stderr)
        self.assertIn("--format is yaml or json", self.polka("docs", "asyncapi", "--format", "xml", code=2).stderr)
        self.assertIn("--merged or --service", self.polka("docs", "asyncapi", "--merged", "--service", "payments", code=2).stderr)
        self.assertIn("--running takes", self.polka("docs", "asyncapi", self.good(), "--running", code=2).stderr)
        self.assertIn("there is no command 'htm'; did you mean 'html'?", self.polka("docs", "htm", code=2).stderr)
        self.polka("docs", "asyncapi", "--running", code=3)


class Html(Choreography):
    def page(self, *arguments):
        return Page(self.polka("docs", "html", *arguments).stdout)

    def test_it_tells_of_services_events_fields_and_flows(self):
        page = self.page(self.good(), "--flows", "schemas/flows", "--title", "The demo")
        for expected in ("The demo", "3 services, 3 events, 1 flow.", "storefront", "demo.Placed", "demo.orders", "order_id", "array of demo.Line", "record demo.Line",
                         "null or string", "starts with", "5 s", "60 s", "nobody needs to hear it"):
            self.assertIn(expected, page.text)
        self.assertIn(("svg", {"xmlns": "http://www.w3.org/2000/svg"}), [(tag, {"xmlns": values.get("xmlns")}) for tag, values in page.tags])

    def test_every_link_leads_to_a_place_of_the_page_and_nothing_is_loaded(self):
        page = self.page(self.good(), "--flows", "schemas/flows")
        self.assertEqual(page.open, [])
        self.assertEqual(len(page.ids), len(set(page.ids)))
        self.assertEqual({link[1:] for link in page.links} - set(page.ids), set())
        self.assertTrue(all(link.startswith("#") for link in page.links))
        self.assertFalse([tag for tag, values in page.tags if tag in ("script", "link", "img", "iframe", "object") or "src" in values])

    def test_names_and_docs_of_others_are_text(self):
        odd = copy.deepcopy(PLACED)
        odd["doc"], odd["fields"][0]["doc"], odd["fields"][3]["default"] = "".join(HOSTILE), HOSTILE[0], None
        odd["fields"].append({"name": "text", "type": "string", "default": HOSTILE[1]})
        hostile = [{**manifest(name, [odd], [PAID]), "domain": name, "group": name, "version": name} for name in HOSTILE]
        for one in hostile:
            one["reactions"][0]["name"] = one["service"]
            one["reactions"][0]["topic"] = one["reactions"][0]["key"] = one["service"]
        text = self.polka("docs", "html", self.folder(*map(json.dumps, hostile)), "--title", HOSTILE[0]).stdout
        page = Page(text)
        self.assertEqual(page.open, [])
        self.assertEqual({tag for tag, _ in page.tags} & {"script", "img", "b"}, set())
        self.assertEqual([name for _, values in page.tags for name in values if name.startswith("on")], [])
        self.assertNotIn("\033", text)
        self.assertIn(HOSTILE[0], page.text)
        self.assertIn("default-src 'none'", text)

    def test_two_schemas_of_one_event_are_told_apart(self):
        wider = copy.deepcopy(PAID)
        wider["fields"].append({"name": "note", "type": "string", "default": ""})
        page = self.page(self.folder(self.payments, manifest("shipping", [wider], [SHIPPED])))
        self.assertIn("As it is written by payments 1.0.0", page.text)
        self.assertIn("As it is read by shipping 1.0.0", page.text)

    def test_what_cannot_be_read_is_said_and_the_rest_is_there(self):
        wrong = manifest("payments", [], [{**PAID, "type": "recrod"}])
        done = self.polka("docs", "html", self.folder(wrong, "{", self.shipping))
        self.assertIn("1-text.json", done.stderr)
        self.assertIn("As it is read by shipping", Page(done.stdout).text)
        self.assertIn("Its schema cannot be read.", done.stdout)

    def test_it_is_written_to_a_file(self):
        self.assertEqual(self.polka("docs", "html", "-o", "demo.html").stdout, "")
        with open(os.path.join(self.root, "demo.html")) as file:
            self.assertIn("<title>demo</title>", file.read())
        self.assertIn("nowhere/x.html: No such file", self.polka("docs", "html", "-o", "nowhere/x.html", code=1).stderr)


@unittest.skipUnless(all(os.path.exists(os.path.join(BUILD, "bin", name)) for name in SHOP), "the shop is not built")
class ShopDocs(Choreography):
    services = {}

    def test_the_shop(self):
        said = json.loads(self.polka("docs", "asyncapi", "--merged", "--format", "json", "--build", os.path.abspath(BUILD), folder=TREE).stdout)
        self.assertEqual((len(said["channels"]), len(said["components"]["messages"]), len(said["operations"])), (5, 9, 16))
        page = Page(self.polka("docs", "html", "--build", os.path.abspath(BUILD), folder=TREE).stdout)
        self.assertIn("5 services, 9 events, 1 flow.", page.text)
