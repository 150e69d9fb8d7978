"""The numbers of a domain's charts: which bars, how high, which ticks, which dates. charts.html draws them.

Bars are drawn in a box that is stretched: `STEP` wide for each, `HEIGHT` high, whatever the screen's size. Nothing but
numbers stands in their paths. Days without reports are gaps and never zero.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import count as count_from

from checks.shown import shown
from checks.tally import OTHERS, Day, Domain, Who

LONGEST = 400  # days that are drawn: as many as a history keeps
MOST_DAYS = 90  # more are drawn as weeks
QUIET = 30  # days of silence at the end that are drawn
LARGEST = 8  # senders or mail servers that are told apart
BY_SESSIONS = 5  # of these are the largest; the others are those that fail most, which are often small
LABELS = 5  # dates along an axis: more don't fit a phone
NAME = 60  # characters
RESULTS = 3  # result types that are named of a mail server
STEP, BAR, HEIGHT = 10, 8, 1_000
LOWEST = 25  # of HEIGHT: one failure is seen next to thousands


@dataclass(frozen=True)
class Period:
    """What one bar stands for: a day, or a week.

    :param covered: its days that reports cover.
    """

    first: date
    last: date
    covered: int
    against: bool = False

    def __str__(self) -> str:
        return str(self.first) if self.first == self.last else f"week from {self.first}"


@dataclass(frozen=True)
class Series:
    """One sender's or mail server's counts, one a period.

    :param path: its bars, standing on those of the series before.
    """

    name: str
    counts: Sequence[int]
    path: str = ""

    @property
    def total(self) -> int:
        """Of all periods."""
        return sum(self.counts)


@dataclass(frozen=True)
class Tick:
    """A line across the chart.

    :param at: percent from its top.
    """

    text: str
    at: float


@dataclass(frozen=True)
class Label:
    """A date below the axis.

    :param at: percent from the left.
    """

    text: str
    at: float


@dataclass(frozen=True)
class Chart:
    """Bars of several series, one standing on the other."""

    series: Sequence[Series]
    ticks: Sequence[Tick]
    totals: Sequence[int]
    highest: tuple[Period, int]

    @property
    def total(self) -> int:
        """Of all periods."""
        return sum(self.totals)


@dataclass(frozen=True)
class Row:
    """A line of a table: a sender or a mail server, in one period or in all.

    :param results: of a mail server: what failed, the most frequent first.
    """

    name: str
    sessions: int
    failed: int
    results: str = ""

    @property
    def share(self) -> str:
        """Of its sessions, those that failed."""
        if not self.failed or not self.sessions:
            return ""
        share = self.failed / self.sessions
        return "<0.01 %" if share < 0.0001 else f"{100 * share:.2f} %"


@dataclass(frozen=True)
class History:
    """All that is drawn of one domain.

    :param first: the first day drawn, `last` the last.
    :param unit: day or week.
    :param earlier: days before the first one drawn, which aren't.
    :param quiet: days without reports since the last one drawn, which aren't either.
    :param gaps: the path of the periods without reports; `against` of those that count against enforcing.
    :param senders: each with its counts in all, in the order of the series; `servers` likewise.
    :param by_sender: the numbers of the charts, one list a period; `by_server` likewise.
    """

    first: date
    last: date
    unit: str
    periods: Sequence[Period]
    labels: Sequence[Label]
    earlier: int
    quiet: int
    gaps: str
    against: str
    sessions: Chart
    failures: Chart
    failures_by_server: Chart
    senders: Sequence[Row]
    servers: Sequence[Row]
    by_sender: Sequence[Sequence[Row]]
    by_server: Sequence[Sequence[Row]]

    @property
    def width(self) -> int:
        """Of the box that the bars stand in."""
        return STEP * len(self.periods)

    @property
    def covered(self) -> int:
        """Days that reports cover."""
        return sum(period.covered for period in self.periods)

    @property
    def days(self) -> int:
        """All days that are drawn."""
        return (self.last - self.first).days + 1


def history(reported: Domain, today: date) -> History | None:
    """What is drawn of a domain; None where nobody has reported.

    :param today: in UTC; the day before it is the last one that reports can be complete of.
    """
    days = reported.days
    if not days:
        return None
    ends = max(today - timedelta(days=1), max(days))
    last = ends if (ends - max(days)).days <= QUIET else max(days)
    first = max(min(days), last - timedelta(days=LONGEST - 1))
    periods = spans(first, last, days)
    at = _places(periods)
    own = _senders(reported.senders, at, len(periods))
    counts = {name: ([good + bad for good, bad in rows], [bad for _, bad in rows]) for name, rows in own.items()}
    servers, results = _servers(days, at, len(periods))
    return History(
        first=first,
        last=last,
        unit="day" if periods[0].first == periods[0].last else "week",
        periods=periods,
        labels=dates(periods),
        earlier=sum(day < first for day in days),
        quiet=(ends - last).days,
        gaps=_blocks(period.covered == 0 for period in periods),
        against=_blocks(period.against for period in periods),
        sessions=chart(periods, {name: sessions for name, (sessions, _) in counts.items()}, 4),
        failures=chart(periods, {name: failed for name, (_, failed) in counts.items()}, 3),
        failures_by_server=chart(periods, servers, 3),
        senders=[Row(name, sum(sessions), sum(failed)) for name, (sessions, failed) in counts.items()],
        servers=[
            Row(name, 0, sum(failed), _results(sum(results[name], Counter[str]())))
            for name, failed in servers.items()
        ],
        by_sender=[
            [Row(name, sessions[at], failed[at]) for name, (sessions, failed) in counts.items() if sessions[at]]
            for at in range(len(periods))
        ],
        by_server=[
            [Row(name, 0, failed[at], _results(results[name][at])) for name, failed in servers.items() if failed[at]]
            for at in range(len(periods))
        ],
    )  # fmt: skip


def spans(first: date, last: date, days: Mapping[date, Day]) -> list[Period]:
    """The periods from a day to another: days, or where these are too many, weeks; the last week is a whole one."""
    drawn = (last - first).days + 1
    length = 1 if drawn <= MOST_DAYS else 7
    begin = last - timedelta(days=length * -(-drawn // length) - 1)
    made: list[Period] = []
    while begin <= last:
        end = begin + timedelta(days=length - 1)
        within = [days[day] for day in (begin + timedelta(days=at) for at in range(length)) if day in days]
        against = any(day.refusing or day.fetching for day in within)
        made.append(Period(begin, end, len(within), against))
        begin = end + timedelta(days=1)
    return made


def ticks(most: int, intervals: int) -> list[int]:
    """Round numbers from 0, evenly, so that the last is not below the largest count.

    :param intervals: at most so many.
    """
    steps = (factor * 10**power for power in count_from() for factor in (1, 2, 5))
    step = next(step for step in steps if step * intervals >= most)
    return [step * at for at in range(-(-max(most, 1) // step) + 1)]


def dates(periods: Sequence[Period]) -> list[Label]:
    """The dates below the axis: days, Mondays, or firsts of months; so many that they fit a phone."""
    width = len(periods)
    first_of = {at: each.first for at, each in enumerate(periods)}
    if periods[0].first == periods[0].last:
        chosen = [at for at in first_of if at % -(-width // LABELS) == 0] if width <= 2 * LABELS else []
        chosen = chosen or [at for at, day in first_of.items() if day.weekday() == 0]
        chosen = chosen if len(chosen) <= LABELS else chosen[::2]
        chosen = chosen if len(chosen) <= LABELS else [at for at, day in first_of.items() if day.day == 1]
        return [Label(f"{day.day} {day:%b}", _centre(at, width)) for at in chosen for day in [first_of[at]]]
    months = [(at, each.last) for at, each in enumerate(periods) if each.last.day <= 7]
    months = months[:: -(-len(months) // LABELS)]
    made: list[Label] = []
    year = periods[0].first.year
    for at, day in months:
        made.append(Label(f"{day:%b}" if day.year == year else f"{day:%b} {day.year}", _centre(at, width)))
        year = day.year
    return made


def chart(periods: Sequence[Period], counts: Mapping[str, Sequence[int]], intervals: int) -> Chart:
    """The bars of series, each standing on those before it."""
    totals = [sum(each[at] for each in counts.values()) for at in range(len(periods))]
    highest = max(range(len(periods)), key=totals.__getitem__)
    marks = ticks(totals[highest], intervals)
    top = marks[-1]
    # A bar of little is drawn higher than it is, so that it is seen at all.
    scale = [max(HEIGHT / top, LOWEST / total) if total else 0 for total in totals]
    below = [0] * len(periods)
    series: list[Series] = []
    for name, each in counts.items():
        bars: list[str] = []
        for at, count in enumerate(each):
            low, high = round(below[at] * scale[at]), round((below[at] + count) * scale[at])
            below[at] += count
            if high > low:
                bars.append(f"M{STEP * at + 1} {HEIGHT - low}v{low - high}h{BAR}v{high - low}z")
        series.append(Series(name, each, "".join(bars)))
    lines = [Tick(amount(value), round(100 - 100 * value / top, 2)) for value in marks]
    return Chart(series, lines, totals, (periods[highest], totals[highest]))


def amount(value: int) -> str:
    """A count for an axis: 10,000; 2 M for two millions."""
    if value >= 1_000_000 and value % 100_000 == 0:
        return f"{value // 1_000_000:,} M" if value % 1_000_000 == 0 else f"{value / 1_000_000:.1f} M"
    return f"{value:,}"


def _centre(at: int, width: int) -> float:
    return round(100 * (at + 0.5) / width, 2)


def _places(periods: Sequence[Period]) -> Callable[[date], int | None]:
    """In which period a day is."""
    first, length = periods[0].first, (periods[0].last - periods[0].first).days + 1

    def place(day: date) -> int | None:
        at = (day - first).days // length
        return at if 0 <= at < len(periods) else None

    return place


def _senders(
    senders: Mapping[Who, Mapping[date, Day]], at: Callable[[date], int | None], width: int
) -> dict[str, list[tuple[int, int]]]:
    """Succeeded and failed sessions by sender and period, the largest sender first, those beyond `LARGEST` together."""
    rows: dict[str, list[tuple[int, int]]] = {}
    for who, days in senders.items():
        own = rows.setdefault(_name(who), [(0, 0)] * width)
        for day, counts in days.items():
            if (place := at(day)) is not None:
                good, bad = own[place]
                own[place] = good + counts.good, bad + counts.bad
    sessions = {name: sum(good + bad for good, bad in own) for name, own in rows.items()}
    failed = {name: sum(bad for _, bad in own) for name, own in rows.items()}
    ranked = sorted((name for name in rows if sessions[name]), key=lambda name: -sessions[name])
    failing = sorted((name for name in ranked[BY_SESSIONS:]), key=lambda name: (-failed[name], -sessions[name]))
    kept = set([*ranked[:BY_SESSIONS], *failing][:LARGEST])
    made = {name: rows[name] for name in ranked if name in kept}
    if others := [rows[name] for name in ranked if name not in kept]:
        made[f"{len(others)} others"] = [
            (sum(good for good, _ in period), sum(bad for _, bad in period))
            for period in zip(*others, strict=True)
        ]
    return made


def _servers(
    days: Mapping[date, Day], at: Callable[[date], int | None], width: int
) -> tuple[dict[str, list[int]], dict[str, list[Counter[str]]]]:
    """Failed sessions by mail server and period, the same by result; the servers beyond `LARGEST` together."""
    totals = Counter[str]()
    for day, counts in days.items():
        if at(day) is not None:
            for (server, _), sessions in counts.failures.items():
                totals[_server(server)] += sessions
    largest = sorted((name for name in totals if totals[name]), key=lambda name: -totals[name])
    beyond = f"{len(largest) - LARGEST} others"
    kept = set(largest[:LARGEST])
    names = [*largest[:LARGEST], *([beyond] if len(largest) > LARGEST else [])]
    results = {name: [Counter[str]() for _ in range(width)] for name in names}
    for day, counts in days.items():
        if (place := at(day)) is not None:
            for (server, result), sessions in counts.failures.items():
                if sessions:
                    name = _server(server)
                    results[name if name in kept else beyond][place][result] += sessions
    return {name: [own.total() for own in periods] for name, periods in results.items()}, results


def _results(of: Counter[str]) -> str:
    named = [f"{_name(result)} {sessions:,}" for result, sessions in of.most_common(RESULTS)]
    return ", ".join([*named, *([f"{len(of) - RESULTS} more"] if len(of) > RESULTS else [])])


def _server(name: str) -> str:
    return "no server named" if name in ("unknown", "") else _name(name)


def _name(text: object) -> str:
    """What strangers call themselves; what would be shown alike is one."""
    return "others" if text == OTHERS else shown(text, longest=NAME)


def _blocks(chosen: Iterable[bool]) -> str:
    """The path of some periods, as high as the box."""
    return "".join(f"M{STEP * at} 0v{HEIGHT}h{STEP}v-{HEIGHT}z" for at, is_ in enumerate(chosen) if is_)
