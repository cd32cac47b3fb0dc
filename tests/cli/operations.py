"""What those who run services ask for: `polka health`. On a stand-in for a service's port; nothing here needs a broker."""
import http.server
import os
import socket
import threading

from support import Case


class Answers(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        status, body = self.server.answers.get(self.path, (404, "Here are: /readyz\n"))
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_):
        pass


class Health(Case):
    services = {}

    def setUp(self):
        super().setUp()
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers)
        self.server.answers = {"/livez": (200, '{"status":"ok"}\n'), "/startupz": (200, "anything"),
                               "/readyz": (503, '{"status":"unavailable","why":["not in the consumer group yet","no broker answers"]}\n')}
        self.port = str(self.server.server_address[1])
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.addCleanup(self.server.server_close)
        self.addCleanup(self.server.shutdown)

    def test_answers_by_its_exit_code_and_one_line(self):
        at = f"http://127.0.0.1:{self.port}"
        self.assertEqual(self.polka("health", "--port", self.port, code=1).stdout,
                         f"not ready: not in the consumer group yet, no broker answers ({at}/readyz)\n")
        self.assertEqual(self.polka("health", "--port", self.port, "--check", "live").stdout, f"live: {at}/livez\n")
        self.assertEqual(self.polka("health", "--check", "started", environment={"POLKA_HTTP_PORT": self.port}).stdout, f"started: {at}/startupz\n")
        self.server.answers["/readyz"] = (200, '{"status":"ok"}\n')
        for url in (f"127.0.0.1:{self.port}", f"{at}", f"{at}/", f"{at}/readyz"):
            self.assertEqual(self.polka("health", url).stdout, f"ready: {at}/readyz\n")
        # a proxy of the environment has no business here
        self.polka("health", "--port", self.port, environment={"http_proxy": "http://127.0.0.1:1"})

    def test_says_what_came_instead(self):
        at = f"http://127.0.0.1:{self.port}"
        self.assertEqual(self.polka("health", f"{at}/nothing", code=1).stdout, f"not ready: HTTP 404 ({at}/nothing)\n")
        for body in ("", "{", "[]", '{"why":7}', '{"why":[7,{}]}', '{"why":[]}'):
            self.server.answers["/readyz"] = (503, body)
            self.assertEqual(self.polka("health", at, code=1).stdout, f"not ready: HTTP 503 ({at}/readyz)\n")
        self.server.answers["/readyz"] = (503, '{"why":["\\u001b[31mred\\n"]}')
        self.assertNotIn("\x1b", self.polka("health", at, code=1).stdout)
        self.server.shutdown()
        self.server.server_close()
        self.assertIn("not ready: cannot reach http://127.0.0.1", self.polka("health", at, code=1).stdout)

    def test_does_not_wait_longer_than_asked(self):
        with socket.create_server(("127.0.0.1", 0)) as silent:
            self.assertIn("not live", self.polka("health", "--port", str(silent.getsockname()[1]), "--check", "live", "--wait", "200ms", code=1).stdout)

    def test_says_what_is_missing_when_it_cannot_ask(self):
        self.write("libraries/libcurl.so.4", "")
        done = self.polka("health", "--port", self.port, code=1, environment={"LD_LIBRARY_PATH": os.path.join(self.root, "libraries")})
        self.assertIn("apt-get install libcurl4", done.stderr)

    def test_is_refused_when_it_cannot_be_meant(self):
        for arguments, says in ((("health",), "which service?"), (("health", "--port", "0"), "which service?"), (("health", "--port", "70000"), "1 to 65535"),
                                (("health", "a", "b"), "one service at a time"), (("health", "a", "--port", "80"), "one service at a time"),
                                (("health", "a", "--check", "redy"), "--check is ready, live or started, not 'redy'")):
            self.assertIn(says, self.polka(*arguments, code=2).stderr)
        self.assertIn("which service?", self.polka("health", code=2, environment={"POLKA_HTTP_PORT": "off"}).stderr)
