#!/usr/bin/env python3
"""judge.py: the same cases to Java Avro and to us; every answer that differs must be of a class that DIFFERENCES.md lists."""
import argparse
import collections
import json
import random
import subprocess
import sys

import commands
import differences
import pairs
import schemas
import values


def ask(command, questions):
    """One answer a question, in order."""
    lines = "".join(json.dumps(question) + "\n" for question in questions)
    done = subprocess.run(command, input=lines.encode(), stdout=subprocess.PIPE, check=False)
    answers = [json.loads(line) for line in done.stdout.decode().split("\n") if line]
    if done.returncode != 0 or len(answers) != len(questions):
        sys.exit(f"judge.py: {command[0]} ended with {done.returncode} after {len(answers)} of {len(questions)} answers")
    return answers


class Judges:
    def __init__(self, options):
        self.java = ["java", "-XX:+UseSerialGC", "-Xmx1g", "-Dorg.apache.avro.limits.string.maxLength=16777216", "-Dorg.apache.avro.limits.bytes.maxLength=2147483639",
                     "-Dorg.apache.avro.limits.collectionItems.maxLength=1000000", "-cp", f"{options.java}/classes:{options.java}/libraries/*", "Judge"]
        self.ours = [options.polka_judge]
        self.commands = commands.Commands(options.polka) if options.polka else None

    def both(self, questions):
        theirs = ask(self.java, questions)
        return theirs, [self.commands.answer(question) for question in questions] if self.commands else ask(self.ours, questions)


class Score:
    """How many answers of one kind were the same, and what those were that differ."""

    def __init__(self, kind, show):
        self.kind, self.show, self.classes, self.different = kind, show, collections.Counter(), 0

    def add(self, name, *what):
        self.classes[name] += 1
        if name == differences.DIFFERENT:
            self.different += 1
            if self.different <= self.show:
                print(f"-- {self.kind}:", *(json.dumps(one)[:4000] for one in what), sep="\n   ")

    def report(self):
        total = sum(self.classes.values())
        same = self.classes[differences.SAME] + self.classes[differences.REFUSED]
        print(f"{self.kind}: {total} cases, {same} the same ({self.classes[differences.REFUSED]} refused by both), "
              f"{total - same - self.different} of a listed class, {self.different} different")
        for name, count in self.classes.most_common():
            if name not in (differences.SAME, differences.REFUSED):
                print(f"{count:8} {name}")


def schema_cases(source, count):
    cases = [{"op": "schema", "text": json.dumps(schema)} for schema in schemas.SEEDS]
    while len(cases) < count:
        cases.append({"op": "schema", "text": schemas.text_of(source, schemas.mutated(source))})
    return cases


def judge_schemas(judges, score, source, count):
    cases = schema_cases(source, count)
    for case, their, our in zip(cases, *judges.both(cases)):
        score.add(differences.of_schema(case, their, our), case, their, our)


def schema_pairs(judges, source, count):
    """Pairs of schemas that both judges take and understand alike: (writer's text, reader's text, canonical of both)."""
    texts = [tuple(json.dumps(schema) for schema in pairs.pair(source)) for _ in range(count)]
    questions = [{"op": "schema", "text": text} for pair in texts for text in pair]
    answers = list(zip(*judges.both(questions)))
    good = []
    for pair, writer, reader in zip(texts, answers[::2], answers[1::2]):
        if all(one["ok"] for one in (*writer, *reader)) and writer[0]["canonical"] == writer[1]["canonical"] and reader[0]["canonical"] == reader[1]["canonical"]:
            good.append((*pair, json.loads(writer[0]["canonical"]), json.loads(reader[0]["canonical"])))
    return good


def judge_compatibility(judges, score, some):
    cases = [{"op": "compat", "writer": writer, "reader": reader} for writer, reader, *_ in some]
    for case, their, our in zip(cases, *judges.both(cases)):
        score.add(differences.of_compat(case, their, our), case, their, our)


def bodies_of(source, canonical, count, spoil):
    bodies = []
    try:
        writer = values.Writer(source, canonical)
        for _ in range(count):
            body = writer.value()
            bodies.append(values.broken(source, body) if spoil else body)
    except (values.TooDeep, ValueError):
        pass
    return bodies


def judge_values(judges, score, source, some, count, spoil):
    cases, canonicals = [], []
    for writer, reader, writer_form, _ in some:
        bodies = bodies_of(source, writer_form, count, spoil)
        if bodies:
            cases.append({"op": "decode", "writer": writer, "reader": reader, "hex": [body.hex() for body in bodies]})
            canonicals.append(writer_form)
    for case, canonical, their, our in zip(cases, canonicals, *judges.both(cases)):
        for body, one, other in zip(case["hex"], differences.each(their, case), differences.each(our, case)):
            what = {"writer": case["writer"], "reader": case["reader"], "hex": body}
            score.add(differences.of_value(what, canonical, one, other), what, one, other)


def judge_encoding(judges, score, source, some, count):
    """Java's JSON of values back to bytes, as it is and spoilt a little."""
    questions = [{"op": "decode", "writer": writer, "hex": [body.hex() for body in bodies_of(source, form, count, False)]} for writer, _, form, _ in some]
    cases = []
    for question, answer in zip(questions, ask(judges.java, questions)):
        texts = [spoilt(source, one["json"]) for one in answer.get("values", []) if one.get("json")]
        if texts:
            cases.append({"op": "encode", "writer": question["writer"], "json": texts})
    for case, their, our in zip(cases, *judges.both(cases)):
        for text, one, other in zip(case["json"], differences.each(their, case, "json"), differences.each(our, case, "json")):
            what = {"schema": case["writer"], "json": text}
            score.add(differences.of_encoding(what, one, other), what, one, other)


def spoilt(source, text):
    if source.random() < 0.5:
        return text
    tree = [json.loads(text)]
    try:
        source.choice([schemas.junk_anywhere, schemas.junk_member, schemas.drop_member, schemas.shuffle_members, schemas.add_attribute])(source, tree)
    except (IndexError, KeyError, AttributeError, TypeError):
        return text
    return json.dumps(tree[0])


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--java", required=True, help="folder of the built judge")
    options.add_argument("--polka-judge", required=True)
    options.add_argument("--polka", help="the program: ask its commands in place of judge.c, which takes a second for some 20 cases")
    options.add_argument("--seed", type=int, default=random.randrange(2 ** 32))
    options.add_argument("--schemas", type=int, default=20000)
    options.add_argument("--pairs", type=int, default=10000)
    options.add_argument("--only", default="schemas,compatibility,resolution,hostile,encoding")
    options.add_argument("--show", type=int, default=10, help="how many differences of each kind to print")
    options = options.parse_args()
    judges, scores = Judges(options), []
    print(f"seed {options.seed}")

    def score(kind):
        scores.append(Score(kind, options.show))
        return scores[-1]

    def source(kind):
        return random.Random(f"{options.seed} {kind}")

    some = schema_pairs(judges, source("pairs"), options.pairs) if options.only != "schemas" else []
    alike = [(writer, writer, form, form) for writer, _, form, _ in some]
    if "schemas" in options.only:
        judge_schemas(judges, score("validation, canonical form, fingerprint"), source("schemas"), options.schemas)
    if "compatibility" in options.only:
        judge_compatibility(judges, score("compatibility"), some)
    if "resolution" in options.only:
        judge_values(judges, score("resolution"), source("values"), some, 4, False)
    if "hostile" in options.only:
        judge_values(judges, score("hostile bytes"), source("hostile"), alike, 4, True)
        judge_values(judges, score("hostile bytes, resolved"), source("hostile and resolved"), some, 2, True)
    if "encoding" in options.only:
        judge_encoding(judges, score("JSON encoding"), source("encoding"), some, 3)
    for one in scores:
        one.report()
    different = sum(one.different for one in scores)
    print(f"RESULT: seed {options.seed}: {sum(sum(one.classes.values()) for one in scores)} cases against Java Avro, {different} different beyond DIFFERENCES.md")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
