"""polka.yaml, builds and services: what is wrong is said with its place."""
import os

from support import Case


class Project(Case):
    def refused(self, text, *expected):
        self.write("polka.yaml", text)
        said = self.polka("tail", "--brokers", "127.0.0.1:1", code=2).stderr
        for words in expected:
            self.assertIn(words, said)

    def test_a_typo_is_refused_with_line_column_and_the_nearest_name(self):
        self.refused("name: demo\nschemata: [x]\n", "polka.yaml:2:")
        self.refused("name: demo\nshemas: [x]\n", "polka.yaml:2:", "did you mean 'schemas'?")
        self.refused("topics:\n  defaults:\n    partitons: 4\n", "polka.yaml:3:", "did you mean 'partitions'?")

    def test_wrong_values_are_refused_with_their_place(self):
        self.refused("topics:\n  defaults: { partitions: none }\n", "polka.yaml:2:", "whole number")
        self.refused("topics:\n  demo.orders: { retention: 7 days }\n", "polka.yaml:2:", "duration")
        self.refused("topics:\n  demo orders: { partitions: 1 }\n", "polka.yaml:2:", "no topic name")

    def test_text_that_is_no_yaml_is_refused_with_its_place(self):
        self.refused("name: [demo\n", "polka.yaml:")

    def test_the_nearest_file_upwards_is_the_project(self):
        folder = os.path.join(self.root, "schemas", "demo")
        self.assertIn("did you mean 'demo.Placed'?", self.polka("emit", "demo.Placd", "--sample", code=2, folder=folder).stderr)

    def test_schema_folders_come_from_the_file(self):
        self.write("polka.yaml", "schemas: [elsewhere]\n")
        self.assertIn("elsewhere", self.polka("emit", "demo.Placed", "--sample", code=2).stderr)

    def test_a_schema_that_does_not_parse_is_named_with_its_file(self):
        self.write("schemas/demo/bad.v1.avsc", '{"type": "record", "name": "demo.Bad"}')
        self.assertIn("bad.v1.avsc", self.polka("emit", "demo.Placed", "--sample", code=1).stderr)

    def test_no_build_says_how_to_build(self):
        os.remove(os.path.join(self.root, "build/dev/polka/services.json"))
        said = self.polka("dev", "--build", "dev", code=1).stderr
        self.assertIn("cmake --build", said)

    def test_a_missing_executable_is_named_with_how_to_build_it(self):
        os.remove(os.path.join(self.root, "build/dev/bin/payments"))
        said = self.polka("dev", code=1).stderr
        self.assertIn("bin/payments", said)
        self.assertIn("--target payments", said)

    def test_a_mistyped_service_is_refused_with_the_nearest(self):
        self.assertIn("did you mean 'payments'?", self.polka("dev", "payment", code=2).stderr)

    def test_dev_without_a_project_says_so(self):
        os.remove(os.path.join(self.root, "polka.yaml"))
        self.assertIn("polka.yaml", self.polka("dev", code=2).stderr)
