"""The page: one self-contained file, without scripts and without anything from elsewhere."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from checks.finding import Domain
from checks.shown import shown
from checks.tally import Domain as Reported
from checks.tally import Tally
from checks.verdict import Verdict

SHOWN_DAYS = 60
HEIGHT = 100  # of the chart, in its own units


@dataclass(frozen=True)
class Bar:
    """One day of the chart; heights in its own units."""

    day: str
    good: int
    bad: int
    high_good: float
    high_bad: float


@dataclass(frozen=True)
class Card:
    """What the page shows of one domain; what wasn't asked for is None or empty."""

    name: str
    seen: Domain | None
    verdict: Verdict | None
    bars: list[Bar]
    refused: list[tuple[str, int]]

    @property
    def status(self) -> str:
        """The level of what is seen, else the verdict's."""
        if self.seen:
            return self.seen.level
        return "pass" if self.verdict and self.verdict.safe else "warn"


def bars(reported: Reported) -> list[Bar]:
    """The last days, each as high as its sessions."""
    days = list(reported.days.items())[-SHOWN_DAYS:]
    most = max((each.good + each.bad for _, each in days), default=0) or 1
    return [
        Bar(str(day), each.good, each.bad, HEIGHT * each.good / most, HEIGHT * each.bad / most)
        for day, each in days
    ]


def _shown(value: object) -> object:
    """Every text of the page; Jinja then escapes it for HTML."""
    return shown(value) if isinstance(value, str) else value


def render(seen: Sequence[Domain], tally: Tally | None = None, verdicts: Sequence[Verdict] = ()) -> str:
    """The page's HTML."""
    by_name: Mapping[str, Domain] = {each.name: each for each in seen}
    judged = {each.domain: each for each in verdicts}
    reported = tally.domains if tally else {}
    names = list(by_name) or sorted(set(judged) | set(reported))
    cards = [
        Card(
            name,
            by_name.get(name),
            judged.get(name),
            bars(reported[name]) if name in reported else [],
            reported[name].refused.most_common(10) if name in reported else [],
        )
        for name in names
    ]
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html").render(
        cards=cards, tally=tally, height=HEIGHT, now=time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())
    )
