#!/usr/bin/env python3
"""judge.py: the same cases to Java Avro and to us; every answer that differs must be of a class that DIFFERENCES.md lists."""
import argparse
import collections
import json
import os
import random
import subprocess
import sys

import differences
import schemas

HERE = os.path.dirname(os.path.abspath(__file__))


def ask(command, questions):
    """One answer a question, in order."""
    lines = "".join(json.dumps(question) + "\n" for question in questions)
    done = subprocess.run(command, input=lines.encode(), stdout=subprocess.PIPE, check=False)
    answers = [json.loads(line) for line in done.stdout.decode().splitlines()]
    if done.returncode != 0 or len(answers) != len(questions):
        sys.exit(f"judge.py: {command[0]} ended with {done.returncode} after {len(answers)} of {len(questions)} answers")
    return answers


def schema_cases(seed, count):
    source = random.Random(seed)
    cases = [{"op": "schema", "text": json.dumps(schema)} for schema in schemas.SEEDS]
    while len(cases) < count:
        cases.append({"op": "schema", "text": schemas.text_of(source, schemas.mutated(source))})
    return cases


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--java", required=True, help="folder of the built judge")
    options.add_argument("--polka-judge", required=True)
    options.add_argument("--seed", type=int, default=random.randrange(2 ** 32))
    options.add_argument("--schemas", type=int, default=3000)
    options.add_argument("--show", type=int, default=10, help="how many differences of each kind to print")
    options = options.parse_args()
    java = ["java", "-XX:+UseSerialGC", "-Xmx1g", "-cp", f"{options.java}/classes:{options.java}/libraries/*", "Judge"]
    print(f"seed {options.seed}")
    cases = schema_cases(options.seed, options.schemas)
    theirs, ours = ask(java, cases), ask([options.polka_judge], cases)
    classes = collections.Counter()
    unknown = 0
    for case, their, our in zip(cases, theirs, ours):
        kind = differences.of_schema(case, their, our)
        classes[kind] += 1
        if kind == "DIFFERENT":
            unknown += 1
            if unknown <= options.show:
                print(json.dumps(case), "\n   java:", json.dumps(their)[:300], "\n   ours:", json.dumps(our)[:300])
    for kind, count in classes.most_common():
        print(f"{count:6} {kind}")
    return 1 if unknown else 0


if __name__ == "__main__":
    sys.exit(main())
