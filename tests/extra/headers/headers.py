"""headers.py CODEGEN INCLUDE...: every name that the headers of this system declare or define is asked of the preprocessor and the compiler,
made a field, a type without a namespace and a symbol, and what polka-codegen makes of it is compiled behind all of these headers.
A name that is missing in framework/codegen/taken.c fails in one of the compilers.
"""
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ISO = "assert ctype errno fenv float inttypes limits locale math setjmp signal stdarg stdbool stddef stdint stdio stdlib string time uchar wchar wctype"
C_ONLY = "complex stdatomic stdnoreturn tgmath threads"
SYSTEM = """aio arpa/inet dirent dlfcn fcntl fmtmsg fnmatch ftw glob grp iconv langinfo libgen monetary mqueue net/if netdb netinet/in netinet/tcp nl_types poll
pthread pwd regex sched search semaphore spawn strings sys/ipc sys/mman sys/msg sys/resource sys/select sys/sem sys/shm sys/socket sys/stat sys/statvfs
sys/time sys/times sys/types sys/uio sys/un sys/utsname sys/wait syslog termios unistd utime utmpx wordexp sys/epoll sys/eventfd sys/timerfd sys/signalfd
sys/inotify sys/ioctl sys/file sys/random sys/syscall sys/sysinfo sys/sysmacros sys/prctl sys/sendfile sys/param getopt err error endian byteswap alloca
malloc execinfo ifaddrs sysexits paths pty utmp ucontext"""
CPLUSPLUS = "cstdio cstdlib cmath string vector memory chrono thread atomic functional iostream"
SIZED = re.compile(r"f(16|32|64|128)x?(_[lr])?$|^f(32|64)x?(add|sub|mul|div|fma|sqrt)")   # of math.h, one for each width: nobody calls a type so


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"not ok: {' '.join(command)}\n{(done.stdout + done.stderr)[:4000]}")
    return done.stdout


def includes(names, ending=".h"):
    return "".join(f"#include <{name}{ending}>\n" for name in names.split())


def names_of(folder, header, language, standard):
    """The macros, and in C the functions and the names of structs too, which C++ takes for types."""
    macros = run("gcc", "-x", language, standard, "-D_GNU_SOURCE", "-dM", "-E", header)
    names = set(re.findall(r"^#define (\w+)", macros, re.M))
    if language == "c":
        run("gcc", "-x", language, standard, "-D_GNU_SOURCE", "-fsyntax-only", "-aux-info", f"{folder}/functions", header)
        names |= set(re.findall(r"(\w+) \(", (folder / "functions").read_text()))
        names |= set(re.findall(r"\b(?:struct|union|enum)\s+(\w+)\s*\{", run("gcc", standard, "-D_GNU_SOURCE", "-E", "-P", header)))
    return names - set("null boolean int long float double bytes string".split())       # Avro's own


def record(name, types):
    return {"type": "record", "name": name, "namespace": "every.name", "polka.topic": "t",
            "fields": [{"name": field, "type": kind} for field, kind in types]}


def enums(names, words):
    """RLIMIT_NOFILE: symbol NOFILE of RLIMIT; IP_PMTUDISC_DO: of a namespace too, symbol DO of ip.PMTUDISC."""
    symbols = {}
    for name in sorted(names):
        parts = name.split("_", words)
        if len(parts) == words + 1 and all(re.match(r"[A-Z]", part) for part in parts):
            symbols.setdefault((".".join(parts[:-2]).lower(), parts[-2]), {})[re.sub("__+", "_", parts[-1])] = True
    return [{"type": "enum", "namespace": space, "name": word, "symbols": list(made)} for (space, word), made in symbols.items()]


def compile_all(codegen, flags, folder, headers, event):
    (folder / "event.avsc").write_text(json.dumps(event))
    run(codegen, "events", str(folder), f"{folder}/event.avsc")
    (folder / "events.cpp").write_text('#include "events.h"\n')
    for compiler, language, standard, source in (("gcc", "c", "-std=gnu11", "events.c"), ("clang", "c", "-std=gnu11", "events.c"),
                                                 ("g++", "c++", "-std=gnu++17", "events.cpp"), ("clang++", "c++", "-std=gnu++20", "events.cpp")):
        if shutil.which(compiler):
            run(compiler, standard, "-D_GNU_SOURCE", "-fsyntax-only", "-Wall", "-Wextra", "-Werror", f"-I{folder}", *flags,
                "-include", str(headers[language]), str(folder / source))


def main():
    codegen, flags = sys.argv[1], sys.argv[2:]
    with tempfile.TemporaryDirectory() as made:
        folder = pathlib.Path(made)
        headers = {"c": folder / "all.h", "c++": folder / "all.hpp"}
        headers["c"].write_text(includes(f"{ISO} {C_ONLY} {SYSTEM}"))
        headers["c++"].write_text(includes(f"{ISO} {SYSTEM}") + includes(CPLUSPLUS, ""))
        names = names_of(folder, str(headers["c"]), "c", "-std=gnu11") | names_of(folder, str(headers["c++"]), "c++", "-std=gnu++17")
        lower = sorted(name for name in names if re.fullmatch(r"[a-z]+(_?[a-z0-9]+)*", name) and not SIZED.search(name))
        upper = [name for name in names if re.fullmatch(r"[A-Z][A-Z0-9_]+", name)]
        fixed = [{"type": "fixed", "name": name, "namespace": "", "size": 1} for name in lower]
        compile_all(codegen, flags, folder, headers, record("Fields", [(name, "int") for name in lower]))
        for kinds in (fixed, enums(upper, 1), enums(upper, 2)):
            compile_all(codegen, flags, folder, headers, record("Types", [(f"f{i}", kind) for i, kind in enumerate(kinds)]))
        print(f"{len(lower)} names and {len(upper)} macros in capitals: fields, types and symbols that are called so compile")


main()
