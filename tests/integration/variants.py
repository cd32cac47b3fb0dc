"""shop.OrderPlaced in versions: a project folder for each, payments built with it, orders as it says them."""
import base64
import json
import os
import shutil
import subprocess

import orders as shop
from support import ENVIRONMENT, ROOT, Failed

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "evolution")
VERSIONS = (1, 2, 3, 4)
UNKNOWN = 9                                              # the version of another team, that no service was built with


# ---- the versions, and payments built with each

def make_projects(folder):
    """A project for each: the shop's schemas, and shop.OrderPlaced up to that version."""
    ours = os.path.join(HERE, "shop")
    changes = {f"v{version}": [f"v{each}" for each in range(2, version + 1)] for version in VERSIONS}
    changes.update({"unknown": ["unknown"], "broken": ["v2", "v3", "v4", "broken"], "forced": ["v2", "v3", "v4", "broken"]})
    for name, files in changes.items():
        to = os.path.join(folder, name, "schemas", "shop")
        shutil.rmtree(to, ignore_errors=True)
        shutil.copytree(os.path.join(ROOT, "schemas", "shop"), to)
        shutil.copy(os.path.join(ours, "order_seen.v1.avsc"), to)
        for number, each in enumerate(files, 2):
            shutil.copy(os.path.join(ours, f"order_placed.{each}.avsc"), os.path.join(to, f"order_placed.v{number}.avsc"))
        with open(os.path.join(folder, name, "polka.yaml"), "w") as file:
            file.write("name: shop\nschemas: [schemas]\n")
    os.remove(os.path.join(folder, "unknown", "schemas", "shop", "order_placed.v1.avsc"))
    with open(os.path.join(folder, "forced", "schemas", "shop", "schemas.yaml"), "w") as file:
        file.write("compatibility: NONE\n")


def cached(build, name):
    with open(os.path.join(build, "CMakeCache.txt")) as file:
        return next((row.rstrip("\n").split("=", 1)[1] for row in file if row.startswith(name + ":")), "")


class Builder:
    """Builds evolution/ against the build's package, in a folder of the build."""

    def __init__(self, build):
        self.build, self.folder = build, os.path.join(build, "integration", "evolution")
        self.prefix = os.path.join(self.folder, "prefix")
        os.makedirs(self.folder, exist_ok=True)
        make_projects(self.folder)
        self._run("cmake", "--install", build, "--prefix", self.prefix)

    def _run(self, *arguments, code=0):
        done = subprocess.run(arguments, env=ENVIRONMENT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300)
        if (done.returncode == 0) != (code == 0):
            raise Failed(f"{' '.join(arguments)} ended with {done.returncode}:\n{done.stdout[-3000:]}")
        return done.stdout

    def make(self, *versions, code=0):
        """Builds these; returns what the build said."""
        into = os.path.join(self.folder, "build-" + "-".join(versions))
        sanitize = cached(self.build, "POLKA_SANITIZE")
        flags = cached(self.build, "CMAKE_C_FLAGS") + (f" -fsanitize={sanitize} -fno-sanitize-recover=all" if sanitize else "")
        self._run("cmake", "-S", HERE, "-B", into, "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={self.prefix}", f"-DFOLDER={self.folder}", f"-DSERVICES={ROOT}/services",
                  f"-DVERSIONS={';'.join(versions)}", f"-DCMAKE_C_FLAGS={flags}", f"-DPOLKA_ALLOCATOR={cached(self.build, 'POLKA_ALLOCATOR') or 'system'}",
                  *(f"-D{name}={cached(self.build, name)}" for name in ("CMAKE_C_COMPILER", "CMAKE_BUILD_TYPE")))
        return self._run("cmake", "--build", into, "-j2", code=code)

    def binary(self, name, *versions):
        return os.path.join(self.folder, "build-" + "-".join(versions), "bin", name)

    def project(self, version):
        return os.path.join(self.folder, "unknown" if version == UNKNOWN else f"v{version}")

    def schema(self, name, number):
        return os.path.join(self.folder, name, "schemas", "shop", f"order_placed.v{number}.avsc")


# ---- orders of a version, and what payments of another sees of them

class Order(shop.Order):
    """An order as a version of shop.OrderPlaced says it."""
    __slots__ = ("version",)

    def __init__(self, order, version, rng):
        value = dict(order.value)
        note = value.pop("note")
        if version <= 2:
            value["note"] = note
        elif version != UNKNOWN:
            value["remark"] = note
        if version in (2, 3, 4):
            value["sold_by"] = rng.choice(["WEB", "PHONE", "OTHER"] + (["APP"] if version > 2 else []))
        if version in (2, 3):
            value["gift"] = rng.random() < 0.5
        if version in (3, 4):
            campaign = rng.choice(["", "autumn", "Žluťoučký"])
            value["campaign"] = campaign if version == 3 else campaign.encode()
        if version == 4:
            value["delivery"] = {"days": rng.randint(-5, 400), "slots": rng.sample(["am", "pm", "night"], rng.randint(0, 3))}
        if version == UNKNOWN:
            value["parcels"] = rng.randint(1, 9)
        super().__init__(order.kind, value, order.sku)
        self.version = version

    def json(self):
        return json.dumps(self.value, ensure_ascii=False, default=lambda raw: base64.b64encode(raw).decode())

    def seen_by(self, reader):
        """What shop.OrderSeen says of it: written by us, or by the reader's default, or unknown to it."""
        value = self.value
        channel = value.get("sold_by", "WEB")
        # by its own name or by the alias; an old reader does not know the new name
        note = value["note"] if self.version <= 2 else value.get("remark") if reader >= 3 else None
        delivery = value.get("delivery", {"days": 3, "slots": ["am", "pm"]})
        campaign = value.get("campaign", "none")
        return {"order_id": self.id, "reader": reader,
                "remark": "null" if note is None else note,
                "sold_by": "-" if reader == 1 else "OTHER" if (channel, reader) == ("APP", 2) else channel,
                "gift": ("yes" if value.get("gift", False) else "no") if reader in (2, 3) else "-",
                "campaign": (campaign.decode() if isinstance(campaign, bytes) else campaign) if reader >= 3 else "-",
                "delivery": ", ".join([f"{delivery['days']} days", *delivery["slots"]]) if reader == 4 else "-"}
