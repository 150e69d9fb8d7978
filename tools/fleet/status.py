"""How each shard stands, without running a program: what the backend tells of its stack."""

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from pulumi import automation
from rich.console import Console
from rich.table import Table
from rich.text import Text

from checks.shown import shown
from tools import unlock
from tools.fleet.engine import Engine, stack
from tools.fleet.stacks import Shard


@dataclass
class Standing:
    """One shard's stack.

    :param domains: that the fleet file has in this shard.
    :param up: domains that the stack has, by its outputs.
    :param last: the last update: `update succeeded`; "" for none.
    :param at: when that ended, ISO 8601.
    :param pending: operations that were begun and whose end nobody saw.
    :param lock: who holds it; "" for nobody, None where this backend doesn't tell.
    :param policies: id to number of domains.
    :param error: why nothing is known.
    """

    shard: int
    stack: str
    domains: int
    up: int = 0
    last: str = ""
    at: str = ""
    pending: int = 0
    lock: str | None = ""
    policies: dict[str, int] = field(default_factory=dict)
    error: str = ""

    @property
    def well(self) -> bool:
        """Whether nothing is to be done about it."""
        return (
            self.last == "update succeeded"
            and not self.pending
            and not self.lock
            and not self.error
            and self.up == self.domains
        )


def standing(shards: Sequence[Shard], jobs: int) -> list[Standing]:
    """Ask the backend, several stacks at once.

    :raises UserError: there is no engine.
    """
    engine = Engine()
    with ThreadPoolExecutor(jobs, "status") as pool:
        return list(pool.map(lambda shard: _of(shard, stack(shard.stack, shard.file.parent, engine)), shards))


def _of(shard: Shard, chosen: automation.Stack) -> Standing:
    found = Standing(shard.number, shard.stack, len(shard.rows))
    try:
        deployment = chosen.export_stack().deployment or {}
        history = chosen.history(page_size=1, page=1, show_secrets=False)
    except automation.StackNotFoundError:
        found.error = f"the backend has no stack {shard.stack}: python -m tools.fleet init"
        return found
    except (automation.CommandError, ValueError, KeyError) as error:
        lines = [line.partition("error: ")[2] for line in str(error).splitlines() if "error: " in line]
        found.error = shown(lines[0] if lines else type(error).__name__)
        return found
    found.pending = len(deployment.get("pending_operations") or ())
    outputs = next(
        (
            each.get("outputs", {})
            for each in deployment.get("resources") or ()
            if each["type"] == "pulumi:pulumi:Stack"
        ),
        {},
    )
    for domain in (outputs.get("domains") or {}).values():
        found.up += 1
        id_ = str(domain.get("policyId", "")) if isinstance(domain, dict) else ""
        found.policies[id_] = found.policies.get(id_, 0) + 1
    if history:
        found.last, found.at = f"{history[0].kind} {history[0].result}", str(history[0].end_time or "")
    found.lock = _lock(chosen)
    return found


def _lock(chosen: automation.Stack) -> str | None:
    """Who holds a stack's lock, as a file backend keeps it."""
    backend = chosen.workspace.who_am_i().url or ""
    if urlsplit(backend).scheme != "file":
        return None
    for path in unlock.files(backend, "locks", "*.json"):
        if path.parent.name == chosen.name:
            try:
                held = json.loads(path.read_text())
                return f"{held['username']}@{held['hostname']} since {held['timestamp'][:19]}"
            except (OSError, ValueError, KeyError, TypeError):
                return "somebody"
    return ""


def show(found: Sequence[Standing], console: Console) -> None:
    """A line a shard, and what is wrong below."""
    table = Table("shard", "stack", box=None, pad_edge=False)
    for name in ("domains", "up", "policies", "pending"):
        table.add_column(name, justify="right")
    for name in ("last update", "when", "lock", "policy ids"):
        table.add_column(name)
    for each in found:
        lock = "?" if each.lock is None else each.lock
        ids = [shown(id_[:12]) for id_, _ in sorted(each.policies.items(), key=lambda item: -item[1])]
        ids = [*ids[:3], f"… {len(ids) - 3} more"] if len(ids) > 3 else ids
        last = Text(shown(each.last or "never"), "green" if each.last.endswith(" succeeded") else "red")
        table.add_row(str(each.shard), each.stack, str(each.domains), str(each.up), str(len(each.policies) or ""),
                      str(each.pending or ""), last, each.at[:16], shown(lock), " ".join(ids))  # fmt: skip
    console.print(table)
    for each in found:
        if each.error:
            console.print(Text(f"{each.stack}: {each.error}", "red"), soft_wrap=True)
        if each.pending:
            told = f"{each.stack}: {each.pending} operations were begun and nobody saw their end: python -m tools.recover (docs/state.md)"
            console.print(Text(told, "yellow"), soft_wrap=True)
    well = sum(each.well for each in found)
    console.print(
        f"{len(found)} {'shard' if len(found) == 1 else 'shards'}: {well} as the file has them, {len(found) - well} not"
    )
