"""Component resources: what stands where.

PolicySite: what serves a policy (hosting.py: a Static Web App, or a folder behind a FrontDoor), and a MailDomain for each
domain that has the policy.
"""

import sys
from collections.abc import Generator
from contextlib import contextmanager


def _nothing(*_: object, **__: object) -> None: ...


def without_debug_messages() -> None:
    """From now on the SDK doesn't tell the engine what it is doing.

    It would in five calls a resource, and wait for each: a fifth of a preview's CPU time, for lines that only `pulumi --debug`
    shows. They name steps of the SDK's, nothing of the program's.
    """
    from pulumi import log

    log.debug = _nothing


@contextmanager
def without_stack_traces() -> Generator[None, None, None]:
    """Resources that are declared meanwhile don't tell the engine from which lines of the program they come.

    The SDK formats the whole call stack for each, and the engine keeps it in the state, which it writes at every step:
    a fifth of the program's time, a third of the state. The SDK takes it by `traceback.extract_stack`, which goes by this
    limit (docs.python.org/3/library/sys.html#sys.tracebacklimit); the tracebacks of errors are whole again at the end.
    """
    sys.tracebacklimit = 1
    try:
        yield
    finally:
        del sys.tracebacklimit
