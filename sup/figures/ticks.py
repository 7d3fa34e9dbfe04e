"""Numbers along axes that are logarithmic: powers of ten, or plain ones where there are few."""

from matplotlib.axis import Axis
from matplotlib.ticker import (
    FormatStrFormatter,
    LogFormatterMathtext,
    LogLocator,
    NullLocator,
    SymmetricalLogLocator,
)

LONG = 300
"""Between the ends of an axis, from which on powers of ten are enough."""


def few_log_ticks(axis: Axis) -> None:
    """Write powers of ten along a log axis, or plain numbers where it is short.

    There are no ticks between them: each takes a millisecond.
    """
    low, high = axis.get_view_interval()
    if high > LONG * low:
        axis.set_major_locator(LogLocator(subs=(1,)))
        axis.set_major_formatter(LogFormatterMathtext())
    else:
        axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.set_major_formatter(FormatStrFormatter("%g"))
    axis.set_minor_locator(NullLocator())


def few_symlog_ticks(axis: Axis, linear_to: float) -> None:
    """Write plain numbers along an axis that is linear up to a value, then logarithmic."""
    is_long = max(map(abs, axis.get_view_interval())) > LONG * linear_to
    subs = (1,) if is_long else (1, 2, 5)
    axis.set_major_locator(SymmetricalLogLocator(linthresh=linear_to, base=10, subs=subs))
    axis.set_major_formatter(FormatStrFormatter("%g"))
    axis.set_minor_locator(NullLocator())
