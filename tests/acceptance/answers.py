"""What Azure answers to a GET of resources: `python -m acceptance.answers ID…`, as JSON, id to body (null: none)."""

import json
import sys

from policy import UserError
from provider import azure

VERSIONS = {"microsoft.web": azure.WEB, "microsoft.network": azure.DNS}


def answer(id_: str) -> object:
    """The body, or the one line why there is none."""
    provider = id_.lower().partition("/providers/")[2].partition("/")[0]
    try:
        return azure.request("GET", id_, VERSIONS.get(provider, azure.RESOURCES))
    except UserError as error:
        return str(error)


if __name__ == "__main__":
    print(json.dumps({id_: answer(id_) for id_ in sys.argv[1:]}))
