"""What is done to an `up`, as data."""

from dataclasses import dataclass
from random import Random

from sandbox.control import Sandbox
from sandbox.state import DELAYS

HOST = "mta-sts.example.org"
SITE, DOMAIN = r"staticSites/[^/?]+(\?|$)", "customDomains/"
# What is called in an `up`: (host, method, path), as regular expressions.
CALLS = {
    "sign-in": ("login", "", ""),
    "resource group": ("management", "PUT", r"resourceGroups/[^/?]+(\?|$)"),
    "site": ("management", "PUT", SITE),
    "site, read": ("management", "GET", SITE),
    "token": ("management", "POST", "listSecrets"),
    "CNAME": ("management", "PUT", "CNAME/"),
    "custom domain": ("management", "PUT", DOMAIN),
    "TXT": ("management", "PUT", "TXT/_mta-sts"),
    "operation": ("management", "GET", "operation"),
    "deletion": ("management", "DELETE", ""),
    "client": ("aka.ms|swalocaldeploy", "", ""),
    "upload": ("content-", "", ""),
    "policy": ("mta-sts", "GET", "mta-sts.txt$"),
}
# What Front Door adds.
FRONT_DOOR_CALLS = {
    "storage account": ("management", "PUT", r"storageAccounts/[^/?]+(\?|$)"),
    "profile": ("management", "PUT", r"profiles/[^/?]+(\?|$)"),
    "endpoint": ("management", "PUT", r"afdEndpoints/[^/?]+(\?|$)"),
    "origin group": ("management", "PUT", r"originGroups/[^/?]+(\?|$)"),
    "origin": ("management", "PUT", r"origins/[^/?]+(\?|$)"),
    "rule set": ("management", "PUT", r"ruleSets/[^/?]+(\?|$)"),
    "rule": ("management", "PUT", r"rules/[^/?]+(\?|$)"),
    "Front Door domain": ("management", "PUT", r"customDomains/[^/?]+(\?|$)"),
    "validation token": ("management", "GET", r"customDomains/[^/?]+(\?|$)"),
    "validation": ("management", "GET", r"customDomains(\?|$)"),
    "proof": ("management", "PUT", "TXT/_dnsauth"),
    "route": ("management", "PUT", r"routes/[^/?]+(\?|$)"),
    "website": ("blob.core", "", "comp=properties"),
    "blob": ("blob.core", "PUT", "mta-sts.txt"),
    "origin's answer": ("web.core", "GET", "mta-sts.txt$"),
}
PROCESSES = {
    "engine": "pulumi",
    "program": "pulumi-language-python-exec",
    "provider plugin": "-m provider",
    "azure-native plugin": "sandbox.plugins.azure_native",
}


@dataclass(frozen=True)
class Fault:
    """One way to break an `up`.

    :param kind: status, hang, cut, lose-reply, half or domain-failed (see `python -m sandbox fault`), delay, share (of
        requests to a host that another site had before), remembered-no (a real resolver was asked too early), or kill.
    :param value: the HTTP status, seconds, or per cent.
    :param of: a name in CALLS or PROCESSES, a delay or share of the sandbox's, HOST, or "local Azure".
    """

    kind: str
    of: str
    value: float = 0

    def __str__(self) -> str:
        shown = {"status": f"{self.value:.0f}", "kill": "kill -9", "delay": "slow", "half": "half done"}
        shown |= {"domain-failed": "Failed", "share": f"{self.value:.0f} %"}
        return f"{shown.get(self.kind, self.kind)}: {self.of}"

    def strikes_at(self, step: int, last: int) -> bool:
        """Whether this step (0 to `last`, which is destroy) calls what it breaks."""
        creating, leaving = step == 0, step == last
        return {
            "resource group": creating, "site": creating, "CNAME": creating, "custom domain": creating,
            "site, read": creating or leaving, "operation": creating or leaving,
            **dict.fromkeys(FRONT_DOOR_CALLS, creating), "blob": not leaving, "origin's answer": not leaving,
            "cdn-token": creating, "cdn-validation": creating, "cdn-certificate": creating, "cdn-write": creating or leaving,
            "validation": creating, "certificate": creating, "deletion": leaving, "rebound-404": creating, HOST: creating,
        }.get(self.of, not leaving or self.kind == "kill" or self.of in ("sign-in", "dns-lag"))  # fmt: skip

    @property
    def takes_policy_away(self) -> bool:
        """Whether Azure itself, and nothing that the program could do, leaves the host without a policy for a while."""
        return self.kind == "half"

    def order(self, sandbox: Sandbox, rng: Random) -> None:
        """Have it strike, once or a few times, from now on."""
        if self.kind == "delay":
            sandbox.delay(self.of, self.value)
        elif self.kind == "share":
            sandbox.state.set(f"bound:{HOST}", "another-site.azurestaticapps.net")
            sandbox.share(self.of, self.value)
        elif self.kind == "domain-failed":
            sandbox.fault(self.kind, self.value, host=self.of, times=1)
            sandbox.state.set("fault-times", 1)
        elif self.kind not in ("kill", "remembered-no"):
            host, method, path = {**CALLS, **FRONT_DOOR_CALLS}[self.of]
            times = 1 if self.kind == "half" else rng.randint(1, 4)
            sandbox.fault(self.kind, self.value, host=host, method=method, path=path, times=times)
            sandbox.state.set("fault-times", times)

    def withdraw(self, sandbox: Sandbox) -> bool:
        """Let it go.

        :returns: whether it struck, as far as that can be told.
        """
        if self.kind == "delay":
            sandbox.delay(self.of, DELAYS[self.of])
            return True
        if self.kind == "share":
            sandbox.share(self.of, 0)
            return True
        if self.kind == "remembered-no":
            return True
        state = sandbox.state
        left = state.db.execute("SELECT sum(times) FROM faults").fetchone()[0]
        state.db.execute("DELETE FROM faults")
        return left < int(state.setting("fault-times"))


CATALOG = [
    *(Fault("status", call, status) for call in CALLS for status in (429, 500)),
    *(Fault("cut", call) for call in CALLS),
    *(Fault("lose-reply", call) for call in CALLS),
    *(Fault("hang", call, 4) for call in ("sign-in", "site", "custom domain", "TXT", "operation", "upload", "policy")),
    Fault("half", "upload"),
    # What the real Azure has done to people. A 400 while an operation is waited for leaves a resource half made.
    Fault("status", "operation", 400),
    *(2 * [Fault("domain-failed", HOST, value) for value in (0, 6)]),
    *(2 * [Fault("share", "rebound-404", 40)]),
    *(2 * [Fault("remembered-no", HOST)]),
    *(Fault("delay", of, value) for of, value in (("edge-lag", 4), ("certificate", 3), ("dns-lag", 3), ("validation", 4))),
    # Killing is what leaves most behind, so it is drawn more often.
    *(3 * [Fault("kill", each) for each in (*PROCESSES, "local Azure")]),
]  # fmt: skip

# Of a life that begins behind Front Door.
FRONT_DOOR = [
    *(Fault("status", call, status) for call in FRONT_DOOR_CALLS for status in (429, 500)),
    *(Fault(kind, call) for call in FRONT_DOOR_CALLS for kind in ("cut", "lose-reply")),
    *(Fault("status", call, 409) for call in ("Front Door domain", "route")),
    *(Fault("status", call, 500) for call in ("CNAME", "TXT", "operation", "deletion", "policy")),
    *(Fault("delay", of, value) for of, value in (("cdn-token", 4), ("cdn-validation", 4), ("cdn-certificate", 3))),
    *(Fault("delay", of, value) for of, value in (("cdn-propagation", 3), ("cdn-write", 2), ("dns-lag", 3))),
    *(2 * [Fault("kill", each) for each in (*PROCESSES, "local Azure")]),
]  # fmt: skip
