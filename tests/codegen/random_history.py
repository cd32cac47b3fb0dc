"""random_history.py: an earlier version of a random schema, of which all that it wrote can mostly be read by the newest."""
import copy

NARROWER = {"long": ["int"], "float": ["int", "long"], "double": ["int", "long", "float"], "bytes": ["string"], "string": ["bytes"]}
PRIMITIVE = {"null": [None], "boolean": [True, False], "int": [0, 7, -2147483648, 2147483647], "long": [0, -1, 9223372036854775807, -9223372036854775808],
             "float": [0, 0.1, -2.5e10, "NaN"], "double": [0, 0.1, -1e300, "-Infinity"], "string": ["", "web", "\u017elu\u0165?\"\\", "a\u0000b"],
             "bytes": ["", "\u00ff\u0000a"]}


class NoDefault(Exception):
    pass


class History:
    def __init__(self, maker, shared):
        self.maker, self.chance, self.shared = maker, maker.chance, shared

    def roll(self, share):
        return self.chance.random() < share

    # ---- a default of the newest version ----

    def default(self, node, inside=False):
        if isinstance(node, list):
            return self.default(self.chance.choice(node), True)
        if isinstance(node, str):
            if node in PRIMITIVE:
                value = self.chance.choice(PRIMITIVE[node])
                return 1.5 if inside and isinstance(value, str) and node in ("float", "double") else value
            if node in self.shared:
                return self.default(self.shared[node], True)
            raise NoDefault              # a record that is being written
        kind = node["type"]
        if node.get("logicalType") == "decimal":
            return "\u0000" * (node.get("size", 1) - 1) + "\u0001"
        if node.get("logicalType") == "uuid":
            return "8c1b2b0e-6d48-4fae-b7a0-a4b0ef637f59"
        if kind == "enum":
            return self.chance.choice(node["symbols"])
        if kind == "fixed":
            return "\u0000\u00ff" * (node["size"] // 2) + "\u0001" * (node["size"] % 2)
        if kind == "array":
            return [] if self.roll(0.5) else [self.default(node["items"], True)]
        if kind == "map":
            return {} if self.roll(0.5) else {"k\u017e": self.default(node["values"], True)}
        if kind == "record":
            return {field["name"]: self.default(field["type"], True) for field in node["fields"]}
        return self.default(kind, inside)

    # ---- the version before ----

    def before(self, node):
        if isinstance(node, list):
            return self.union(node)
        if isinstance(node, str):
            return self.chance.choice(NARROWER[node]) if self.roll(0.03 if node in ("string", "bytes") else 0.2) and node in NARROWER else node
        kind = node["type"]
        if kind == "record":
            return self.record(node)
        if kind == "enum":
            return self.enum(node)
        if kind in ("array", "map"):
            items = "items" if kind == "array" else "values"
            return {**node, items: self.before(node[items])}
        if kind == "fixed":
            return copy.deepcopy(node)
        return self.before(kind) if self.roll(0.1) and node.get("logicalType") != "decimal" else copy.deepcopy(node)

    def enum(self, node):
        symbols = list(node["symbols"])
        if self.roll(0.4):
            self.chance.shuffle(symbols)
            symbols = symbols[:self.chance.randint(1, len(symbols))]
        if self.roll(0.4):
            symbols.insert(self.chance.randint(0, len(symbols)), "gone")
            if self.roll(0.9):
                node["default"] = self.chance.choice(node["symbols"])
        old = {**node, "symbols": symbols}
        old.pop("default", None)
        return old

    @staticmethod
    def label(branch):
        return branch if isinstance(branch, str) else branch.get("name", branch["type"])

    def union(self, node):
        branches = [self.before(branch) for branch in node]
        if len({self.label(branch) for branch in branches}) < len(branches) or any(isinstance(branch, list) for branch in branches):
            branches = copy.deepcopy(node)
        if self.roll(0.3):
            self.chance.shuffle(branches)
        if self.refers_back(branches):
            return branches              # with fewer of them no value might end
        if self.roll(0.3):
            branches = branches[:self.chance.randint(1, len(branches))]
        return branches[0] if self.roll(0.15) else branches

    def refers_back(self, node):
        """To a record that is being written."""
        if isinstance(node, list):
            return any(self.refers_back(branch) for branch in node)
        if isinstance(node, str):
            return node not in PRIMITIVE and node not in self.shared
        inside = [field["type"] for field in node.get("fields", [])] + [node[key] for key in ("items", "values") if key in node]
        return any(self.refers_back(part) for part in inside)

    def record(self, node):
        fields = []
        for field in node["fields"]:
            if self.roll(0.2):
                try:
                    field["default"] = self.default(field["type"])
                    continue             # was not there
                except NoDefault:
                    pass
            old = {**field, "type": self.before(field["type"])}
            if not isinstance(old["type"], list) and self.roll(0.05):
                old["type"] = [old["type"]]
            if self.roll(0.1):
                old["name"] = f"was_{field['name']}"
                field["aliases"] = [old["name"]]
            fields.append(old)
        for i in range(self.chance.choice([0, 0, 1, 2])):
            fields.insert(self.chance.randint(0, len(fields)), {"name": f"dropped{i}", "type": self.maker.type(self.chance.choice([2, 4]), [node["name"]])})
        if self.roll(0.4):
            self.chance.shuffle(fields)
        return {**node, "fields": fields}
