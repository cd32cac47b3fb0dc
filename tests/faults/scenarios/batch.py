"""A batch that the client library would refetch for ever (not yet: the framework does not step over it)."""
from support import Skip

BROKERS = 1
SHORT_S, USUAL_S, WEIGHT = 1, 60, 0
FIGURE = "detected within 30 s, recorded as a range in the dead letters, others unaffected"
CLAIMS = {}


def play(stage, seconds):
    raise Skip("a corrupt or oversized batch is not stepped over by this build")
