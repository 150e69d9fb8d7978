"""What the ladder has to know of where policies are written, whether that is a stack's file or a fleet's rows."""

from collections.abc import Hashable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Protocol

from checks.edit import Edit
from policy.mx import MxPattern
from settings.ladder import Step
from settings.policies import PolicySettings


class Written(Protocol):
    """Where policies are written: a stack's file (`StackText`), or a fleet's rows (`FleetText`), a policy each."""

    @property
    def name(self) -> str:
        """Of the file, or the files, for messages."""
        ...

    @property
    def policies(self) -> Sequence[PolicySettings]:
        """Those without a mistake."""
        ...

    @property
    def shared(self) -> Mapping[str, Hashable]:
        """What a policy is served by, by its name, where others are served by the same and must be equal."""
        ...

    @property
    def before(self) -> Mapping[str, str]:
        """The texts, by the files' names, from the project's folder."""
        ...

    def ladder_of(self, policy: str) -> Sequence[Step]:
        """The steps that a policy climbs."""
        ...

    def parts(self, policy: str) -> Mapping[tuple[str, str], tuple[MxPattern, ...]]:
        """What can be taken out of a policy: by its key (`mx`, `preset`) and value, the patterns that go with it."""
        ...

    def describe(self, edit: Edit) -> str:
        """An edit in one line: file, line, what stands there and what is to stand there."""
        ...

    def texts(self, edits: Sequence[Edit]) -> Mapping[str, str]:
        """The texts with the edits, and nothing else, applied; of those files that change.

        :raises UserError: they can't be applied, or something else is wrong there.
        """
        ...

    def since(self, folder: Path, commit: str = "HEAD") -> Mapping[str, date]:
        """By policy, since when mode and maxAge are what they are at a commit (`checks.since`)."""
        ...
