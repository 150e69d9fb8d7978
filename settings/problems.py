"""Everything that is wrong with a fleet, whatever the shard, and the rows that are right."""

import re
from collections.abc import Hashable
from dataclasses import replace

from settings import policies
from settings.fleet import Fleet, Row, kind, of_row, of_shard
from settings.policies import PolicySettings
from settings.project import Project
from settings.reader import Reader


def of(project: Project, fleet: Fleet) -> list[str]:
    """All problems, a line each, those of a file together and in its order."""
    found = [problem for stack in project.stacks.values() for problem in stack.problems]
    told = Reader()
    for shard in fleet.shards:
        place = project.place(shard)
        policies.read_whole(told, None, None, place.hosted, beside=of_shard(told, fleet, shard, place))
    for row in fleet.rows:
        if row.shard is None:
            made(project, row, told)
    lines = list(dict.fromkeys([*found, *told.problems, *fleet.problems]))
    return sorted(lines, key=_where)


def made(project: Project, row: Row, reader: Reader | None = None) -> PolicySettings | None:
    """A row by itself; None where it can't work."""
    return of_row(reader or Reader(), row, project.place(row.shard or 0))


def kind_of(project: Project, row: Row) -> Hashable:
    """Equal for rows that share a policy; None where that isn't known."""
    settings = made(project, replace(row, problems=()))
    return kind(settings) if settings else None


def new(before: list[str], after: list[str]) -> list[str]:
    """Those that a change has made, wherever the others' lines are now."""
    known = [_without_lines(line) for line in before]
    return [line for line in after if _without_lines(line) not in known]


def _without_lines(line: str) -> str:
    return re.sub(r"lines? [0-9, ]+", "", line)


def _where(line: str) -> tuple[bool, str, int]:
    found = re.match(r"(.*?) line ([0-9]+): ", line)
    return (True, found[1], int(found[2])) if found else (False, "", 0)
