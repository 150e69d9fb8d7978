"""Azure on your machine: as much of it as a static website with its own domains touches.

| folder   | what stands there                                                                       |
|----------|-----------------------------------------------------------------------------------------|
| arm/     | management.azure.com and login.microsoftonline.com: groups, static sites, DNS zones      |
| cdn/     | Front Door: Microsoft.Cdn and the edge                                                  |
| swa/     | Static Web Apps' data plane, and the deploy client with the service that takes uploads   |
| dns/     | a name server for what the DNS zones hold                                                |
| plugins/ | the azure-native provider plugin, through the official azure-mgmt-resource client        |

A CONNECT proxy leads there and nowhere else, so that a client that honours HTTPS_PROXY, a CA file and a DNS
server can't tell this from the real one. State is SQLite under `.sandbox/`. Everything listens on loopback.
What isn't modelled is refused by name, never ignored.
"""
