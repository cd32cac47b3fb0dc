"""Help, options, exit codes: nothing here needs a broker."""
import time

from support import Case


class Usage(Case):
    def test_no_command_is_a_usage_error_and_shows_the_commands(self):
        self.assertIn("First steps", self.polka(code=2).stderr)

    def test_help_goes_to_standard_output(self):
        for arguments in (["--help"], ["help"], ["-h"]):
            self.assertIn("Commands:", self.polka(*arguments).stdout)

    def test_every_command_has_help_with_examples(self):
        for command in ("dev", "run", "emit", "tail", "trace", "flows", "topics", "check", "pairs", "can-deploy", "map", "impact", "manifests", "docs", "docs asyncapi", "docs html", "schema", "avro", "schema validate", "schema canonical", "schema fingerprint",
                        "schema diff", "schema check", "schema register", "schema ls", "schema show", "schema level", "avro decode", "avro encode"):
            text = self.polka(*command.split(), "--help").stdout
            self.assertIn("Usage: polka " + command, text)
            self.assertIn("Examples:", text)
            self.assertEqual(text, self.polka("help", *command.split()).stdout)

    def test_version_names_polka_and_librdkafka(self):
        self.assertRegex(self.polka("--version").stdout, r"^polka \d+\.\d+\.\d+ \(librdkafka \d")

    def test_a_mistyped_command_is_refused_with_the_nearest(self):
        self.assertIn("did you mean 'emit'?", self.polka("emti", code=2).stderr)

    def test_a_mistyped_option_is_refused_with_the_nearest(self):
        self.assertIn("did you mean --sample?", self.polka("emit", "demo.Placed", "--smaple", code=2).stderr)

    def test_an_option_without_its_value_says_so(self):
        self.assertIn("--data needs a value", self.polka("emit", "demo.Placed", "--data", code=2).stderr)

    def test_a_value_may_stand_behind_its_option_or_after_an_equals_sign(self):
        for given in (["--key", "A-1"], ["--key=A-1"], ["-k", "A-1"], ["-kA-1"], ["--key=--last"]):
            self.assertIn("polka dev", self.polka("trace", *given, code=3).stderr)
        self.assertIn("--format is tree,", self.polka("trace", "--last", "--format=x", code=2).stderr)
        self.assertIn("--last takes no value", self.polka("trace", "--last=yes", code=2).stderr)
        for given in ([], ["A-1", "--key", "A-1"], ["--last", "--key", "A-1"], ["--last", "A-1"], ["A-1", "A-2"]):
            self.assertIn("one of: polka trace ID, polka trace --key KEY, polka trace --last", self.polka("trace", *given, code=2).stderr)

    def test_the_option_before_the_command_without_its_folder_says_so(self):
        self.assertIn("-C needs a folder", self.polka("-C", code=2).stderr)
        self.assertIn("no option --verbose", self.polka("--verbose", code=2).stderr)

    def test_numbers_and_durations_are_checked(self):
        self.assertIn("whole number", self.polka("tail", "-n", "some", code=2).stderr)
        self.assertIn("duration", self.polka("tail", "--until-idle", "1x", code=2).stderr)
        self.assertIn("above 0", self.polka("emit", "demo.Placed", "--sample", "--rate", "-1", code=2).stderr)
        self.assertIn("start, end or -N", self.polka("tail", "-o", "5", code=2).stderr)
        for limit in ("0", "100000001", str(2**61), str(2**63 - 1)):
            self.assertIn(f"--limit is 1 to 100000000, not {limit}", self.polka("watch", "--limit", limit, code=2).stderr)

    def test_no_broker_anywhere_exits_3_and_says_what_to_do(self):
        said = self.polka("tail", code=3).stderr
        self.assertIn("polka dev", said)
        self.assertIn("POLKA_BROKERS", said)

    def test_a_broker_that_does_not_answer_exits_3_within_five_seconds(self):
        for command in (["emit", "demo.Placed", "--set", "order_id=A", "--set", "total=1", "--set", "lines=[]"], ["tail"], ["trace", "--last"], ["topics", "plan"]):
            begun = time.monotonic()
            said = self.polka(*command, "--brokers", "127.0.0.1:1", code=3).stderr
            self.assertLess(time.monotonic() - begun, 5.5)
            self.assertIn("127.0.0.1:1", said)

    def test_brokers_come_from_the_environment_too(self):
        self.assertIn("127.0.0.1:2", self.polka("tail", code=3, environment={"POLKA_BROKERS": "127.0.0.1:2"}).stderr)

    def test_an_unknown_setting_of_librdkafka_is_refused(self):
        self.assertIn("fetch.wait.max.ms", self.polka("tail", "--brokers", "127.0.0.1:1", "-X", "fetch.wait.mx.ms=1", code=2).stderr)
