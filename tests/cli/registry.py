"""The schema registry inside `polka dev`, from outside, and `polka schema register|ls|show|level` on it."""
import json
import os
import socket
import time
import urllib.error
import urllib.request

from support import PAID, PLACED, Case

LONGER = {**PLACED, "fields": PLACED["fields"] + [{"name": "gift", "type": "boolean", "default": False}]}
BREAKING = {**PLACED, "fields": PLACED["fields"] + [{"name": "gift", "type": "boolean"}]}


class Registry(Case):
    services = {"payments": ([PLACED], [PAID])}

    def start(self, *arguments):
        dev = self.dev("--format", "text", *arguments)
        self.url = self.running()["registry"]
        return dev

    def ask(self, path, body=None, method=None, headers=None):
        """(status, JSON) of a request as other languages' clients make it."""
        data = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, {"Content-Type": "application/vnd.schemaregistry.v1+json", **(headers or {})},
                                         method=method or ("GET" if data is None else "POST"))
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                self.assertEqual(answer.headers["Content-Type"], "application/vnd.schemaregistry.v1+json")
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as refused:
            return refused.code, json.load(refused)

    def test_the_projects_schemas_are_in_it_under_the_same_ids_after_a_restart(self):
        self.write("schemas/demo/placed.v2.avsc", json.dumps(LONGER))
        dev = self.start()
        rows = self.rows("schema", "ls", code=0)
        self.assertEqual([(row["subject"], row["version"]) for row in rows], [("demo.Paid", 1), ("demo.Placed", 2)])
        status, one = self.ask("/subjects/demo.Placed/versions/1")
        self.assertEqual(status, 200)
        self.assertEqual(json.loads(one["schema"])["polka.topic"], "demo.orders", "attributes are kept")
        self.stop(dev)
        os.remove(os.path.join(self.root, ".polka/registry.json"))
        self.start()
        self.assertEqual(self.rows("schema", "ls", code=0), rows)

    def test_what_breaks_the_level_is_warned_of_and_left_out(self):
        self.write("schemas/demo/placed.v2.avsc", json.dumps(BREAKING))
        self.start()
        self.assertIn("incompatible with an earlier schema for subject \"demo.Placed\"", self.log())
        self.assertIn("'gift'", self.log())
        self.assertEqual(self.ask("/subjects/demo.Placed/versions"), (200, [1]))

    def test_services_are_told_of_it_only_when_the_project_asks(self):
        self.stop(self.start())
        self.assertNotIn("--schemas.registry.url", self.log())
        self.assertIn("--schemas.cache=" + os.path.join(self.root, ".polka/schemas"), self.log())
        for settings in ("settings: { framing: confluent }", "settings: { schemas: { registry: { url: 'http://elsewhere:8081' } } }", "services: { payments: { schemas: { registry: { url: 'http://elsewhere:8081' } } } }"):
            self.write("polka.yaml", "name: demo\n" + settings + "\n")
            self.stop(self.start())
            self.assertIn("--schemas.registry.url=" + self.url, self.log())

    def test_a_port_can_be_asked_for_and_one_in_use_is_said(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            self.assertIn("--registry-port", self.polka("dev", "--registry-port", str(port), code=1).stderr)
        self.start("--registry-port", str(port))
        self.assertEqual(self.url, f"http://127.0.0.1:{port}")
        self.polka("dev", "--registry-port", "70000", code=1 if self.running() else 2)

    def test_it_serves_programs_not_web_pages(self):
        self.start()
        self.assertEqual(self.ask("/subjects", headers={"Origin": "https://evil.example"})[0], 403)
        self.assertEqual(self.ask("/subjects/x/versions", b'{"schema": "\\"int\\""}', headers={"Origin": "null", "Content-Type": "text/plain"})[0], 403)
        self.assertEqual(self.ask("/subjects/x/versions")[0], 404)

    def test_hostile_requests_end_in_an_answer_or_a_closed_connection(self):
        self.start()
        host, port = self.url[len("http://"):].split(":")
        for raw in (b"\x00\xff\r\n\r\n", b"GET " + b"/" * 100000 + b" HTTP/1.1\r\n\r\n", b"POST /subjects/s/versions HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
                    b"POST /subjects/s/versions HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", b"GET / HTTP/9.9\r\n\r\n",
                    b"GET /subjects HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 20000 + b"\r\n", b"POST /subjects/s HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{"):
            with socket.create_connection((host, int(port)), 10) as client:
                client.settimeout(30)
                try:
                    client.sendall(raw)
                    client.shutdown(socket.SHUT_WR)
                    while client.recv(65536):
                        pass
                except TimeoutError:
                    raise
                except OSError:
                    pass                                     # closed already, at any of the three
        status, answer = self.ask("/subjects/s/versions", b'{"schema": "' + b"x" * (3 << 20) + b'"}')
        self.assertEqual((status, answer["error_code"]), (413, 413))
        self.assertEqual(self.ask("/subjects")[0], 200)

    def test_a_body_that_drips_in_is_not_waited_for(self):
        self.start()
        host, port = self.url[len("http://"):].split(":")
        begun = time.monotonic()
        with socket.create_connection((host, int(port)), 10) as client:
            client.settimeout(0.2)
            client.sendall(b"POST /subjects/s/versions HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n")
            closed = False
            while not closed and time.monotonic() - begun < 20:
                try:
                    client.sendall(b" ")
                    closed = client.recv(1000) == b""
                except TimeoutError:
                    pass
                except ConnectionError:
                    closed = True
        self.assertTrue(closed)
        self.assertEqual(self.ask("/subjects")[0], 200)

    def test_many_at_once(self):
        from concurrent.futures import ThreadPoolExecutor
        self.start()
        text = json.dumps({"type": "record", "name": "demo.Many", "fields": [{"name": "x", "type": "int"}]})
        with ThreadPoolExecutor(16) as pool:
            answers = list(pool.map(lambda n: self.ask(f"/subjects/many-{n % 20}/versions", {"schema": text}), range(200)))
        self.assertEqual({status for status, _ in answers}, {200})
        self.assertEqual(len({answer["id"] for _, answer in answers}), 1)
        self.assertEqual(len([s for s in self.ask("/subjects")[1] if s.startswith("many-")]), 20)

    def test_register_is_a_dry_run_until_execute(self):
        self.start()
        new = self.write("new.avsc", json.dumps({"type": "record", "name": "demo.New", "fields": [{"name": "x", "type": "int"}]}))
        self.assertEqual([row["action"] for row in self.rows("schema", "register", new, code=0)], ["register"])
        self.assertEqual(self.ask("/subjects/demo.New/versions")[0], 404)
        row = self.rows("schema", "register", new, "--execute", code=0)[0]
        self.assertEqual(row["action"], "registered")
        self.assertEqual(self.ask("/subjects/demo.New/versions/latest")[1]["id"], row["id"])
        self.assertEqual([row["action"] for row in self.rows("schema", "register", new, "--execute", code=0)], ["keep"])

    def test_what_the_registry_refuses_is_said_in_its_own_words_and_exits_1(self):
        self.start()
        bad = self.write("bad.avsc", json.dumps(BREAKING))
        for more in ([], ["--execute"]):
            row = self.rows("schema", "register", bad, *more, code=1)[0]
            self.assertEqual(row["action"], "refused")
            self.assertIn("'gift'", row["note"])
        self.assertEqual(self.ask("/subjects/demo.Placed/versions"), (200, [1]))

    def test_references_are_registered_and_written_out_again(self):
        self.start()
        inner = self.write("inner.avsc", json.dumps({"type": "enum", "name": "demo.Colour", "symbols": ["RED"]}))
        outer = self.write("outer.avsc", json.dumps({"type": "record", "name": "demo.Car", "fields": [{"name": "colour", "type": "demo.Colour"}]}))
        self.polka("schema", "register", inner, "--subject", "colours", "--execute")
        row = self.rows("schema", "register", outer, "--subject", "cars", "--reference", "demo.Colour=colours:1", "--execute", code=0)[0]
        self.assertIn("RED", self.polka("schema", "show", "--id", str(row["id"])).stdout)
        self.assertNotIn("RED", self.polka("schema", "show", "cars").stdout)

    def test_show_prints_the_text_alone_and_objects_when_asked(self):
        self.start()
        text = self.polka("schema", "show", "demo.Placed").stdout
        self.assertEqual(json.loads(text)["name"], "Placed")
        self.assertEqual(self.polka("schema", "show", "demo.Placed:1").stdout, text)
        about = json.loads(self.polka("schema", "show", "demo.Placed", "--format", "json").stdout)
        self.assertEqual((about["version"], about["schema"] + "\n"), (1, text))
        self.assertEqual(self.polka("schema", "show", "--id", str(about["id"])).stdout, text)
        guid = self.ask(f"/schemas/ids/{about['id']}")[1]["guid"]
        self.assertEqual(self.polka("schema", "show", "--id", guid).stdout, text)
        self.assertIn("40402", self.polka("schema", "show", "demo.Placed:9", code=1).stderr)
        self.assertIn("40403", self.polka("schema", "show", "--id", "1", code=1).stderr)
        self.polka("schema", "show", code=2)
        self.polka("schema", "show", "--id", "one", code=2)

    def test_levels_are_shown_and_set(self):
        self.start()
        self.assertEqual(self.rows("schema", "level", code=0), [{"subject": None, "level": "BACKWARD", "inherited": False}])
        self.assertTrue(self.rows("schema", "level", "demo.Placed", code=0)[0]["inherited"])
        self.polka("schema", "level", "demo.Placed", "--set", "NONE")
        self.assertTrue(self.rows("schema", "level", "demo.Placed", code=0)[0]["inherited"], "a dry run")
        self.polka("schema", "level", "demo.Placed", "--set", "NONE", "--execute")
        self.assertEqual(self.rows("schema", "level", "demo.Placed", code=0)[0]["level"], "NONE")
        self.assertIn("Invalid compatibility level", self.polka("schema", "level", "--set", "MAYBE", "--execute", code=1).stderr)

    def test_emit_writes_ids_when_the_project_says_confluent(self):
        self.write("polka.yaml", "name: demo\nsettings: { framing: confluent }\n")
        self.start()
        id = self.ask("/subjects/demo.Placed/versions/latest")[1]["id"]
        self.polka("emit", "demo.Placed", "--sample")
        row, = self.rows("tail", "-q", "-o", "start", "--until-idle", "300ms", "--format", "json", "demo.orders")
        self.assertEqual(row["headers"]["ce_dataschema"], f"{self.url}/schemas/ids/{id}")
        self.write("schemas/demo/placed.v2.avsc", json.dumps(LONGER))
        said = self.polka("emit", "demo.Placed", "--sample", code=1, environment={"POLKA_SCHEMAS_REGISTER": "never"}).stderr
        self.assertIn("subject demo.Placed, only looked up (schemas.register: never)", said)
        self.write("schemas/demo/placed.v2.avsc", json.dumps(BREAKING))
        said = self.polka("emit", "demo.Placed", "--sample", code=1).stderr
        self.assertIn("subject demo.Placed", said)
        self.assertIn("'gift'", said)
        self.assertEqual(len(self.rows("tail", "-q", "-o", "start", "--until-idle", "300ms", "--format", "json", "demo.orders")), 1)

    def test_no_registry_and_one_that_does_not_answer_exit_3(self):
        said = self.polka("schema", "ls", code=3).stderr
        for way in ("polka dev", "POLKA_SCHEMAS_REGISTRY_URL", "settings.schemas.registry.url of polka.yaml"):    # tail and trace have these too
            self.assertIn(way, said)
        self.assertIn("127.0.0.1:1", self.polka("schema", "ls", "--registry", "http://127.0.0.1:1", code=3).stderr)
        said = self.polka("schema", "ls", code=3, environment={"POLKA_SCHEMAS_REGISTRY_URL": "http://ann:hunter2@127.0.0.1:1"}).stderr
        self.assertNotIn("hunter2", said)
        self.write("polka.yaml", "name: demo\nsettings: { schemas: { registry: { url: 'http://127.0.0.1:2' } } }\n")
        self.assertIn("127.0.0.1:2", self.polka("schema", "ls", code=3).stderr)
        self.polka("schema", "ls", "--registry", "ftp://x", code=2)

    def test_a_mistyped_subcommand_is_refused_with_the_nearest(self):
        self.assertIn("did you mean 'register'?", self.polka("schema", "registr", code=2).stderr)
        self.polka("schema", code=2)
        self.assertIn("register", self.polka("schema", "--help").stdout)
