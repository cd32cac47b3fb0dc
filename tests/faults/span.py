"""How long a scenario goes on: in the long form until its least figures are reached, or its time is over; else for its time."""
import time

SHORT, USUAL, LONG = "short", "usual", "long"


class Span:
    def __init__(self, form, seconds, least):
        """least: {figure: number}, which the long form has to reach."""
        self.form, self.seconds, self.least, self.until = form, seconds, least, None

    @property
    def short(self):
        return self.form == SHORT

    @property
    def long(self):
        return self.form == LONG

    def goes_on(self, **reached):
        """Asked before each turn, with what was reached so far; the first turn is always made. A least figure that is not named has no say here."""
        if self.until is None:
            self.until = time.monotonic() + self.seconds
            return True
        if self.long and all(reached.get(name, least) >= least for name, least in self.least.items()):
            return False
        return time.monotonic() < self.until

    def missed(self, figures):
        """One line for each least figure that the long form did not reach."""
        if not self.long:
            return []
        return [f"reached {figures.get(name, 0):,} of {least:,} {name.replace('_', ' ')}" for name, least in self.least.items() if figures.get(name, 0) < least]
