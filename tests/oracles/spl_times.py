"""Times: modifiers such as -24h@h, and the formats of strftime and strptime. Everything is UTC.

Search Manual, 'Specify time modifiers in your search'; Search Reference, 'Time modifiers', 'Date and time format
variables', 'Date and Time functions'. The zone is that of the user in Splunk; here it is UTC. Refused: %c %x %X %+ %Z
%k %l %Ez.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from decimal import ROUND_FLOOR, Decimal
from functools import lru_cache

from oracles.spl_grammar import SplUnsupported
from oracles.spl_values import Number, epoch, number, reduced

_UNITS = {
    "s": "s sec secs second seconds",
    "m": "m min minute minutes mins",
    "h": "h hr hrs hour hours",
    "d": "d day days",
    "w": "w week weeks",
    "mon": "mon month months",
    "q": "q qtr qtrs quarter quarters",
    "y": "y yr yrs year years",
}
_UNIT = {name: unit for unit, names in _UNITS.items() for name in names.split()}
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
"""The lengths of the units that always have the same."""

_MONTHS = {"mon": 1, "q": 3, "y": 12}

_STEP = re.compile(r"(?P<sign>[+-])(?P<count>[0-9]*)(?P<unit>[a-z]+)|@(?P<snap>[a-z]+)(?P<day>[0-7]?)")


def span(text: str) -> int:
    """Seconds of a span such as 30s, 5m or 1d. Raises SplUnsupported for months and longer."""
    parts = re.fullmatch(r"([0-9]+)([a-z]+)", text)
    unit = _UNIT.get(parts[2]) if parts else None
    if not parts or unit not in SECONDS or not int(parts[1]):
        raise SplUnsupported(f"the span {text!r}")
    return int(parts[1]) * SECONDS[unit or ""]


def moment(text: str, now: Number) -> Number:
    """Seconds since 1970 of a value of earliest or latest: an epoch time, now, a relative one, %m/%d/%Y:%H:%M:%S.

    Raises SplUnsupported for other forms.
    """
    absolute = number(text)
    if absolute is not None and not text.startswith("-"):
        return absolute
    if re.fullmatch(r"\d{1,2}/\d{1,2}/\d{4}:\d{1,2}:\d{1,2}:\d{1,2}", text):
        return epoch(datetime.strptime(text, "%m/%d/%Y:%H:%M:%S"))
    return relative(text, now)


def relative(text: str, at: Number) -> Number:
    """The time that a relative modifier means from another: offsets and snaps, from left to right."""
    rest = text.strip()
    rest = re.sub(r"^now(?:\(\))?", "", rest)
    steps = list(_STEP.finditer(rest))
    if "".join(step[0] for step in steps) != rest or (not rest and not text.strip().startswith("now")):
        raise SplUnsupported(f"the time modifier {text!r}")
    for step in steps:
        name = step["snap"] or step["unit"]
        unit = _UNIT.get(name)
        if not unit:
            raise SplUnsupported(f"the time unit {name!r}")
        if step["snap"]:
            at = _snapped(at, unit, step["day"])
        else:
            count = int(step["count"] or 1) * (-1 if step["sign"] == "-" else 1)
            at = at + count * SECONDS[unit] if unit in SECONDS else _months(at, count * _MONTHS[unit])
    return reduced(at)


def _months(at: Number, count: int) -> Number:
    day = moment_of(at)
    months = day.year * 12 + day.month - 1 + count
    if day.day > 28:
        raise SplUnsupported("months counted from a day that some months do not have")
    return epoch(day.replace(year=months // 12, month=months % 12 + 1))


def _snapped(at: Number, unit: str, weekday: str) -> Number:
    if unit in ("s", "m", "h", "d"):
        return at // SECONDS[unit] * SECONDS[unit]
    day = moment_of(at).replace(hour=0, minute=0, second=0, microsecond=0)
    if unit == "w":
        # @w and @w0 are Sunday, as is @w7.
        return epoch(day - timedelta(days=(day.isoweekday() - int(weekday or 0)) % 7))
    month = {"mon": day.month, "q": (day.month - 1) // 3 * 3 + 1, "y": 1}[unit]
    return epoch(day.replace(month=month, day=1))


def moment_of(at: Number) -> datetime:
    """The time as a datetime, to the microsecond."""
    whole = int(Decimal(at).to_integral_value(ROUND_FLOOR))
    fraction = int((at - whole) * 1_000_000)
    return datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=whole, microseconds=fraction)


_VARIABLE = re.compile(r"%(?:[369]?[QN]|.)", re.DOTALL)
_FIXED: dict[str, Callable[[datetime], str]] = {
    "%w": lambda at: str(at.isoweekday() % 7),
    "%e": lambda at: f"{at.day:2}",
    "%F": lambda at: f"{at:%Y-%m-%d}",
    "%T": lambda at: f"{at:%H:%M:%S}",
    "%V": lambda at: f"{at.isocalendar().week:02}",
    "%G": lambda at: f"{at.isocalendar().year:04}",
    "%z": lambda at: "+0000",
    "%s": lambda at: str(int(at.timestamp())),
    "%%": lambda at: "%",
}
_SAME = "YymdHIMSpjUaAbB"


def strftime(at: Number, form: str) -> str:
    """A time as text. %Q is milliseconds and %N nanoseconds unless a digit says how many digits."""
    day = moment_of(at)
    digits = f"{int((at - at // 1) * 10**9):09}"

    def shown(variable: re.Match[str]) -> str:
        name = variable[0]
        if name[-1] in "QN":
            return digits[: int(name[1])] if len(name) == 3 else digits[: 3 if name == "%Q" else 9]
        if name in _FIXED:
            return _FIXED[name](day)
        if name[1] in _SAME:
            return day.strftime(name)
        raise SplUnsupported(f"{name} in a time format")

    return _VARIABLE.sub(shown, form)


_READ = {
    "%Y": r"(?P<year>\d{4})",
    "%m": r"(?P<month>\d{1,2})",
    "%d": r"(?P<day>\d{1,2})",
    "%H": r"(?P<hour>\d{1,2})",
    "%M": r"(?P<minute>\d{1,2})",
    "%S": r"(?P<second>\d{1,2})",
    "%F": r"(?P<year>\d{4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})",
    "%T": r"(?P<hour>\d{1,2}):(?P<minute>\d{1,2}):(?P<second>\d{1,2})",
    "%z": r"(?P<zone>[+-]\d{2}:?\d{2})",
    "%s": r"(?P<epoch>\d+)",
    "%%": "%",
}


@lru_cache(maxsize=256)
def _reader(form: str) -> re.Pattern[str]:
    out = []
    end = 0
    for variable in _VARIABLE.finditer(form):
        name = variable[0]
        known = r"(?P<fraction>\d{1,9})" if name[-1] in "QN" else _READ.get(name)
        if known is None:
            raise SplUnsupported(f"{name} in a time format that is read")
        out += [re.escape(form[end : variable.start()]), known]
        end = variable.end()
    return re.compile("".join(out) + re.escape(form[end:]), re.ASCII)


def strptime(text: str, form: str) -> Number | None:
    """Seconds since 1970 of a time as text, null where it does not have the form. A date must be whole."""
    pattern = _reader(form)
    if "epoch" not in pattern.groupindex and not {"year", "month", "day"} <= pattern.groupindex.keys():
        raise SplUnsupported("a time format without a date")
    read = pattern.fullmatch(text)
    if not read:
        return None
    parts = read.groupdict()
    fraction = Decimal("0." + (parts.get("fraction") or "0"))
    if parts.get("epoch"):
        return reduced(int(parts["epoch"]) + fraction)
    names = ("year", "month", "day", "hour", "minute", "second")
    try:
        at = epoch(datetime(*(int(parts.get(name) or 0) for name in names)))  # type: ignore[arg-type]
    except ValueError:
        return None
    zone = (parts.get("zone") or "+0000").replace(":", "")
    offset = (int(zone[1:3]) * 3600 + int(zone[3:5]) * 60) * (-1 if zone[0] == "-" else 1)
    return reduced(at + fraction - offset)
