"""makeh5: a run over a catalogue that writes the data set, its report and its table."""

from credit_fast.making.writer import makeh5
from credit_fast.making.years import makeh5_by_year

__all__ = ["makeh5", "makeh5_by_year"]
