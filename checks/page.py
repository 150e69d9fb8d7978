"""The page: one self-contained file, without scripts and without anything from elsewhere."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from checks.charts import LONGEST, History, history
from checks.finding import Domain, Level
from checks.outlook import quoted
from checks.shown import shown
from checks.tally import Domain as Reported
from checks.tally import Tally
from checks.verdict import Verdict

DRAWN = 30  # domains that have charts, the worst first: with all of them, a page of 300 has ten times the size
LISTED = 20  # next steps that are seen without opening the others


@dataclass(frozen=True)
class Card:
    """What the page shows of one domain; what wasn't asked for is None or empty."""

    name: str
    seen: Domain | None
    verdict: Verdict | None
    reported: Reported | None

    @property
    def status(self) -> str:
        """The level of what is seen, else the verdict's."""
        if self.seen:
            return self.seen.level
        return "pass" if self.verdict and self.verdict.safe else "warn"

    @property
    def next(self) -> str:
        """What to do, in one sentence."""
        if self.verdict and self.verdict.next:
            return self.verdict.next
        return self.seen.next if self.seen else ""

    @property
    def urgency(self) -> int:
        """0 for the worst: what fails, what is to be mended, what warns, what stands still, what is to be done, what
        only takes time, and what is well."""
        verdict, wait = self.verdict, bool(self.verdict and self.verdict.likely)
        ranks = (
            self.status == Level.FAIL,
            verdict is not None and bool(verdict.progress.to_mend),
            self.seen is not None and self.status == Level.WARN,
            verdict is not None and not verdict.safe and not wait,
            verdict is not None and verdict.safe and (not self.seen or self.seen.mode != "enforce"),
            wait,
            self.status != Level.PASS,
            True,
        )
        return ranks.index(True)

    @property
    def colour(self) -> str:
        """Of its next step, as levels are coloured."""
        return ("fail", "fail", "warn", "warn", "pass", "other", "other", "pass")[self.urgency]

    @property
    def alone(self) -> str:
        """The command that draws it, where others come first."""
        return f"python -m checks reports … --domain {quoted(self.name)} --html FILE"

    @property
    def refused(self) -> list[tuple[str, int]]:
        """Sessions that enforce would have refused."""
        return self.reported.refused.most_common(10) if self.reported else []


def _shown(value: object) -> object:
    """Every text of the page; Jinja then escapes it for HTML. What a macro returns has been through here."""
    return shown(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _number(value: int) -> str:
    return f"{value:,}"


def template(name: str) -> Template:
    """A page's template: whatever it is given is shown as text, and never as markup."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(name)


def render(seen: Sequence[Domain], tally: Tally | None = None, verdicts: Sequence[Verdict] = ()) -> str:
    """The page's HTML."""
    by_name: Mapping[str, Domain] = {each.name: each for each in seen}
    judged = {each.domain: each for each in verdicts}
    reported = tally.domains if tally else {}
    names = list(by_name) or sorted(set(judged) | set(reported))
    cards = [Card(name, by_name.get(name), judged.get(name), reported.get(name)) for name in names]
    cards.sort(key=lambda card: card.urgency)
    histories: dict[str, History | None] = {}
    for card in cards:
        if tally and card.reported and len(histories) < DRAWN:
            histories[card.name] = history(card.reported, tally.today)
    return template("page.html").render(
        cards=cards,
        histories=histories,
        listed=LISTED,
        drawn=DRAWN,
        longest=LONGEST,
        n=_number,
        tally=tally,
        now=time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
    )
