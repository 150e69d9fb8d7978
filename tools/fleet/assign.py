"""Which shard and which site a new row gets: the lowest with room. What is written down already never changes."""

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field

from policy import UserError
from settings.fleet import SHARD, Place
from settings.policies import CUSTOM_DOMAINS, FREE_APPS, Hosting
from settings.project import Project


@dataclass
class Assignment:
    """What stands in shards and sites, and what comes to them.

    :param taken: by shard, numbers of sites that were in use lately: an app isn't given to others in the run that
        takes its domains away, since senders could still fetch there what isn't theirs.
    """

    project: Project
    taken: Mapping[int, Iterable[int]] = field(default_factory=dict[int, Iterable[int]])
    counts: Counter[int] = field(default_factory=Counter[int])
    sites: dict[tuple[int, int], list[Hashable]] = field(default_factory=dict[tuple[int, int], list[Hashable]])

    def put(self, shard: int, site: int | None, kind: Hashable) -> None:
        """A row that has its place.

        :param kind: equal for rows that share a policy; None where the policy isn't known.
        """
        self.counts[shard] += 1
        if site is not None:
            self.sites.setdefault((shard, site), []).append(kind)

    def shard(self) -> int:
        """The lowest with room; where all are full, a new one."""
        known = sorted({*self.counts, *self.project.stacks})
        return next((number for number in known if self.counts[number] < SHARD), max(known, default=0) + 1)

    def site(self, shard: int, kind: Hashable) -> int | None:
        """The lowest with the same policy and with room, or a new one; None on Front Door, which has none.

        :raises UserError: there are as many Free apps as there may be.
        """
        place = self.project.place(shard)
        if not place.hosted.on(Hosting.STATIC_WEB_APP):
            return None
        room = CUSTOM_DOMAINS[place.sku]
        own = {number: kinds for (of, number), kinds in sorted(self.sites.items()) if of == shard}
        for number, kinds in own.items():
            if len(kinds) < room and all(each == kind for each in kinds):
                return number
        if place.sku == "Free" and self._free(place) >= FREE_APPS:
            raise UserError(f"all {FREE_APPS} Free apps of a subscription have their domains; set mta-sts:hosting: frontDoor or mta-sts:fleet.sku: Standard: python -m tools.fleet plan says what that costs")  # fmt: skip
        return max({*own, *self.taken.get(shard, ())}, default=0) + 1

    def _free(self, place: Place) -> int:
        return sum(self.project.place(shard).sku == place.sku for shard, _ in self.sites)
