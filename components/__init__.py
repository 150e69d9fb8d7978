"""Component resources: what stands where.

PolicySite: what serves a policy (hosting.py: a Static Web App, or a folder behind a FrontDoor), and a MailDomain for each
domain that has the policy.
"""

import sys
from collections.abc import Generator
from contextlib import contextmanager


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
