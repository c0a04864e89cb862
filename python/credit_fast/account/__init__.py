"""What became of each event, station record, component and pick: counts, and a table of rows."""

from credit_fast.account.accounting import MakeH5Report, Refusal, Tally

__all__ = ["MakeH5Report", "Refusal", "Tally"]
