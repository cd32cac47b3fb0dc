"""The same questions to the commands of `polka`, as a script asks them; the answers have the form of judge.c's."""
import json
import os
import subprocess
import tempfile


class Commands:
    def __init__(self, polka):
        self.polka = polka
        self.folder = tempfile.TemporaryDirectory(prefix="polka-judge-")

    def run(self, *arguments, text=""):
        done = subprocess.run([self.polka, *arguments], input=text.encode(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        if done.returncode not in (0, 1):
            raise SystemExit(f"polka {' '.join(arguments)}: exit {done.returncode}: {done.stderr.decode(errors='replace')}")
        return done.returncode, done.stdout.decode(), done.stderr.decode(errors="replace")

    def file(self, name, text):
        path = os.path.join(self.folder.name, name)
        with open(path, "wb") as out:
            out.write(text.encode(errors="surrogatepass"))
        return path

    def answer(self, question):
        return getattr(self, question["op"])(question)

    def refused(self, schema):
        """The refusal of a schema, or None; with its path and rule, as the library says it."""
        code, out, _ = self.run("schema", "validate", "--format", "json", schema)
        row = json.loads(out)
        assert row["valid"] == (code == 0), row
        return None if row["valid"] else {"ok": False, "error": f"{row['path'] or '$'}: {row['error']}"}

    def schema(self, question):
        path = self.file("schema.avsc", question["text"])
        refusal = self.refused(path)
        if refusal is not None:
            return refusal
        answer = {"ok": True, "canonical": self.run("schema", "canonical", path)[1].removesuffix("\n")}
        for name, algorithm in (("crc64", "crc64"), ("SHA-256", "sha256"), ("MD5", "md5")):
            answer[name] = self.run("schema", "fingerprint", "--algorithm", algorithm, path)[1].strip()
        return answer

    def pair(self, question):
        writer = self.file("writer.avsc", question["writer"])
        reader = self.file("reader.avsc", question.get("reader", question["writer"]))
        return writer, reader, self.refused(writer) or self.refused(reader)

    def compat(self, question):
        writer, reader, refusal = self.pair(question)
        if refusal is not None:
            return refusal
        code, out, _ = self.run("schema", "check", "--reader", reader, "--writer", writer, "--format", "json")
        answer = json.loads(out)
        assert answer["compatible"] == (code == 0) == (not answer["breaks"]), answer
        return {"ok": True, "compatible": answer["compatible"]}

    def lines(self, arguments, texts):
        """One answer a line: what came out, or {"error"} in its place."""
        _, out, _ = self.run("avro", *arguments, "--lines", "--format", "json", text="".join(text + "\n" for text in texts))
        return [json.loads(line) for line in out.split("\n") if line]

    def decode(self, question):
        writer, reader, refusal = self.pair(question)
        if refusal is not None:
            return refusal
        readers = ["--reader", reader] if "reader" in question else []
        bare = self.run("avro", "decode", "--writer", writer, *readers, "--hex", "--lines", "--json", "avro", text="".join(one + "\n" for one in question["hex"]))[1]
        answers = []
        for text, row in zip(bare.split("\n"), self.lines(["decode", "--writer", writer, *readers, "--hex", "--json", "avro"], question["hex"])):
            answers.append({"ok": False, "error": row["error"]} if "error" in row else {"ok": True, "json": text})
        good = [one for one in answers if one["ok"]]
        for one, row in zip(good, self.lines(["encode", "--schema", reader, "--hex", "--json", "avro"], [one["json"] for one in good])):
            one["hex"] = row["hex"]
        return {"ok": True, "values": answers}

    def encode(self, question):
        writer, _, refusal = self.pair(question)
        if refusal is not None:
            return refusal
        texts = [" ".join(text.split("\n")) for text in question["json"]]
        rows = self.lines(["encode", "--schema", writer, "--hex", "--json", "avro"], texts)
        return {"ok": True, "values": [{"ok": False, "error": row["error"]} if "error" in row else {"ok": True, "hex": row["hex"]} for row in rows]}
