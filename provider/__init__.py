"""`mtasts`: the resources of this project that no cloud provider has.

| resource     | what its creation does                                                             |
|--------------|------------------------------------------------------------------------------------|
| `RecordSeen` | waits until every name server of the zone, then the resolver, answers a DNS record   |
| `RecordByHand` | says which DNS record a person is to enter, and waits until it is there            |
| `Content`    | uploads the site with its deployment token, through Microsoft's StaticSitesClient    |
| `LivePolicy` | waits until a policy host serves exactly this policy, as a sender would fetch it     |
| `SendersHold` | remembers what senders may have cached, and refuses to go before that has expired    |

The program imports the classes in `provider.resources`; the engine starts the provider itself
(`pulumi-resource-mtasts`, then `python -m provider`) as a plugin. Waits show their progress as the
resource's status, obey the resource's custom timeout, and stop at once on Ctrl-C; the next `pulumi up`
goes on where they stopped.
"""
