"""Runs a part of the suite in a namespace of its own, so that rules and mounts reach nobody else and end with it."""
import ctypes
import gc
import os
import pickle
import subprocess
import traceback

NETWORK, MOUNT = 0x40000000, 0x00020000                  # CLONE_NEWNET, CLONE_NEWNS


class Refused(Exception):
    """The system does not allow it; the text says what."""


def _prepare(flags):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(flags) != 0:
        raise Refused(f"unshare: {os.strerror(ctypes.get_errno())}")
    commands = [["ip", "link", "set", "lo", "up"]] if flags & NETWORK else [["mount", "--make-rprivate", "/"]]
    for command in commands:
        run(*command)


def run(*command):
    """A command that must succeed; returns what it said, or raises Refused with that."""
    try:
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout
    except FileNotFoundError:
        raise Refused(f"{command[0]} is not installed") from None
    except subprocess.CalledProcessError as failed:
        raise Refused(f"{' '.join(command)}: {failed.stderr.strip()}") from None


def call(flags, function, *arguments):
    """function(*arguments) in a child with its own namespaces; returns what it returned, or raises Refused."""
    gc.collect()                                         # clients of Kafka that nobody has any more, while their threads are there
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        gc.freeze()                                      # those that are left would wait for threads that a child does not have
        os.close(reading)
        try:
            _prepare(flags)
            answer = function(*arguments)
        except Refused as why:
            answer = why
        except BaseException:
            answer = RuntimeError(traceback.format_exc())
        with os.fdopen(writing, "wb") as file:
            pickle.dump(answer, file)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as file:
        data = file.read()
    os.waitpid(child, 0)
    answer = pickle.loads(data) if data else RuntimeError("the child ended without an answer")
    if isinstance(answer, Exception):
        raise answer
    return answer
