"""The properties of an account's blob service: its static website, and the rest as every account has it.

learn.microsoft.com/rest/api/storageservices: Set Blob Service Properties, Get Blob Service Properties.
"""

from typing import Any
from xml.etree import ElementTree

from sandbox.storage.containers import make_container
from sandbox.storage.wire import Ask, BlobError, Reply, not_modelled, xml

WEB = "$web"
ORDINARY = """<StorageServiceProperties>
<Logging><Version>1.0</Version><Read>false</Read><Write>false</Write><Delete>false</Delete>
<RetentionPolicy><Enabled>false</Enabled></RetentionPolicy></Logging>
<HourMetrics><Version>1.0</Version><Enabled>true</Enabled><IncludeAPIs>true</IncludeAPIs>
<RetentionPolicy><Enabled>true</Enabled><Days>7</Days></RetentionPolicy></HourMetrics>
<MinuteMetrics><Version>1.0</Version><Enabled>false</Enabled>
<RetentionPolicy><Enabled>false</Enabled></RetentionPolicy></MinuteMetrics>
<Cors/>
<DeleteRetentionPolicy><Enabled>false</Enabled></DeleteRetentionPolicy>
</StorageServiceProperties>"""  # of an account that nobody has set anything of, but for its website
CHILDREN = {"Enabled", "IndexDocument", "ErrorDocument404Path", "DefaultIndexDocumentPath"}


def website(account: dict[str, Any]) -> dict[str, str]:
    """The elements of `StaticWebsite`; `Enabled` is "true" or "false"."""
    return account.get("_website") or {"Enabled": "false"}


def get(ask: Ask) -> Reply:
    root = ElementTree.fromstring(ORDINARY.replace("\n", ""))
    element = ElementTree.SubElement(root, "StaticWebsite")
    for name, value in website(ask.account).items():
        ElementTree.SubElement(element, name).text = value
    return xml(200, root)


def set_(ask: Ask) -> Reply:
    """What isn't named stays. With the website's enabling, its container appears."""
    try:
        root = ElementTree.fromstring(ask.body)
    except ElementTree.ParseError:
        raise BlobError(400, "InvalidXmlDocument") from None
    ordinary = {each.tag: _plain(each) for each in ElementTree.fromstring(ORDINARY)}
    for element in root:
        if element.tag == "StaticWebsite":
            _set_website(ask, element)
        elif element.tag not in (*ordinary, "DefaultServiceVersion"):
            raise BlobError(400, "UnsupportedXmlNode")
        elif _plain(element) != ordinary.get(element.tag):
            raise not_modelled(f"{element.tag} of a blob service")
    return Reply(202)


def _set_website(ask: Ask, element: ElementTree.Element) -> None:
    given = {each.tag: (each.text or "").strip() for each in element}
    if given.keys() - CHILDREN:
        raise BlobError(400, "UnsupportedXmlNode")
    index = given.get("IndexDocument", "")
    if given.get("Enabled") not in ("true", "false") or "/" in index or ("IndexDocument" in given and "DefaultIndexDocumentPath" in given):  # fmt: skip
        raise BlobError(400, "InvalidXmlNodeValue")
    if "DefaultIndexDocumentPath" in given:
        raise not_modelled("StaticWebsite.DefaultIndexDocumentPath of a blob service")
    on = given["Enabled"] == "true"
    kept = {name: value for name, value in given.items() if value} if on else {"Enabled": "false"}
    ask.state.put({**ask.account, "_website": kept})
    if on:
        make_container(ask.state, ask.account["name"], WEB)


def _plain(element: ElementTree.Element) -> Any:
    """What an element says, in whatever order."""
    return element.tag, (element.text or "").strip(), sorted(_plain(each) for each in element)
