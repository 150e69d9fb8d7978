"""The first hour: `python -m tools.setup example.org` looks, asks, and writes the stack's file.

| file         | what stands there                                                                  |
|--------------|------------------------------------------------------------------------------------|
| __main__.py  | the command line: look -> ask -> write -> preview                                  |
| look.py      | what DNS, mail servers and the web say about a domain                              |
| providers.py | who runs a mail server or a policy host: tables, with their sources                |
| account.py   | the Azure subscription that is signed in to                                        |
| names.py     | which domains: from the command, a file, or Microsoft 365                          |
| places.py    | where a domain's records go, and what its DNS host wants                           |
| plan.py      | domains with equal mail servers become policies; what they cost                    |
| stack_file.py| writes the stack's file, and leaves what stands in it as it is                     |
| moving.py    | the order in which a policy that is served elsewhere moves in                      |
| tell.py      | what a person reads of what was found                                              |
| ask.py       | the questions: a flag, what was found, or a person at a terminal                   |
| engine.py    | the Pulumi CLI                                                                     |

Which DNS host has which name servers, and what it wants, stands in that host's own file in `zones/`.
"""
