"""A figure beside what it shall reach: its median, its spread over the rounds, and what an event took of CPU on both sides."""
from stage import median


def figure(what, value, bar, unit="", most=False, spread=None, cpu=None):
    """bar None: nothing is asked of it. most: the bar is the most that is allowed, else the least. spread: least and most of all rounds. cpu: us an event, ours and theirs."""
    met = None if bar is None else value <= bar if most else value >= bar
    return {"what": what, "value": round(value, 3), "unit": unit, "bar": bar, "most": most, "met": met,
            "spread": None if spread is None else [round(each, 3) for each in spread], "cpu_us": None if cpu is None else [round(each, 3) for each in cpu]}


def _limits(rounds):
    return min(rounds), max(rounds)


def single(what, values, bar, unit="", most=False):
    """Of one value a round."""
    return figure(what, median(values), bar, unit, most, _limits(values))


def ratio(what, ours, theirs, bar, most=False, costs=None):
    """Our median to theirs; both have one value a round, and the spread is that of the rounds' own ratios. costs: CPU of both, one value a round."""
    rounds = [one / other for one, other in zip(ours, theirs)]
    return figure(what, median(ours) / median(theirs), bar, "", most, _limits(rounds), costs and [median(each) for each in costs])


def over(what, ours, theirs, bar, unit, most=True, costs=None):
    """Our median less theirs."""
    rounds = [one - other for one, other in zip(ours, theirs)]
    return figure(what, median(ours) - median(theirs), bar, unit, most, _limits(rounds), costs and [median(each) for each in costs])


class Loads:
    """What a load gave, program by program, one value a round: events a second, CPU in us an event, MiB at most."""

    def __init__(self, names):
        self.rates, self.costs, self.peaks = ({name: [] for name in names} for _ in range(3))

    def rate(self, what, ours, theirs, bar, others=None):
        """others: the load that has theirs, if it is not this one."""
        others = others or self
        return ratio(what, self.rates[ours], others.rates[theirs], bar, costs=(self.costs[ours], others.costs[theirs]))

    def cost(self, what, ours, theirs, bar, others=None, most=True):
        others = others or self
        return ratio(what, self.costs[ours], others.costs[theirs], bar, most, (self.costs[ours], others.costs[theirs]))

    def cost_over(self, what, ours, theirs, bar):
        return over(what, self.costs[ours], self.costs[theirs], bar, "us", costs=(self.costs[ours], self.costs[theirs]))

    def peak_over(self, what, ours, theirs, bar):
        return over(what, self.peaks[ours], self.peaks[theirs], bar, "MiB")
