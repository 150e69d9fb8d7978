"""Azure Front Door Standard: Microsoft.Cdn as ARM shows it, and the edge.

| module     | what stands there                                                                     |
|------------|---------------------------------------------------------------------------------------|
| kinds.py   | the resource types: what they hold, their names and limits                            |
| checks.py  | what Front Door refuses, in a write and in a deletion                                 |
| domains.py | a custom domain's way from Submitting to its certificate                              |
| arm.py     | the calls, and their long-running operations                                          |
| edge.py    | what a host answers                                                                   |

Requests and answers are those of Azure/azure-rest-api-specs (Microsoft.Cdn 2025-06-01) and of the recordings in Azure/azure-cli.
"""
