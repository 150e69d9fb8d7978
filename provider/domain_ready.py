"""`DomainReady`: Front Door serves the policy for a host that needn't lead there yet."""

from typing import Any

from policy import UserError
from policy.places import validation_record
from provider import front_door
from provider.live_policy import not_live
from provider.wait import Wait

AGREEING = 4  # fetches in a row; LivePolicy looks more closely
WAY_OUT = "No record that senders look at was touched. The next `pulumi up` goes on from here."


async def create(inputs: dict[str, Any], wait: Wait) -> dict[str, Any]:
    """Wait until Azure has approved the domain, and serves the policy with a certificate for it.

    :raises UserError: deadline passed, cancelled, or Azure wants another token.
    """
    await wait.until(f"Front Door to take {inputs['host']}", _Look(inputs).reason, WAY_OUT, AGREEING)
    return {}


class _Look:
    """Looks at a domain as Azure reports it, then at what the endpoint serves for it."""

    def __init__(self, inputs: dict[str, Any]) -> None:
        self._inputs, self._state = inputs, ""

    def reason(self) -> str | None:
        """Why senders couldn't come there yet, or None.

        :raises UserError: waiting leads nowhere.
        """
        host = self._inputs["host"]
        if self._state != front_door.APPROVED:
            self._state = front_door.state(front_door.listed(self._inputs["customDomain"]))
            if self._state in front_door.OVER:
                raise UserError(
                    f"Azure didn't see {validation_record(host)} in time (state {self._state}). The next `pulumi up` asks "
                    f"for another token. {WAY_OUT}"
                )
        if self._state != front_door.APPROVED:
            return f"Azure hasn't seen the TXT record {validation_record(host)} yet (state {self._state})"
        policy = self._inputs["policy"].encode()
        return not_live(host, policy, at=self._inputs["endpoint"])


def read(state: dict[str, Any]) -> dict[str, Any]:
    """The state: whether the policy is live is LivePolicy's to say."""
    return state
