"""`mtasts`: the resources of this project that no cloud provider has; `kinds.py` lists them all.

The engine starts the provider itself (`pulumi-resource-mtasts`, then `python -m provider`) as a plugin. Waits show their
progress as the resource's status, obey the resource's custom timeout, and stop at once on Ctrl-C; the next `pulumi up`
goes on where they stopped.

| file         | what stands there                                                                   |
|--------------|-------------------------------------------------------------------------------------|
| resources.py | the kinds' classes: what a program declares                                           |
| kinds.py     | the kinds as the plugin knows them, without Pulumi's SDK; `Work`: what a kind's module has |
| server.py    | the engine's questions, answered for all kinds                                        |
| protocol.py  | the protocol's glue: server, errors in one line                                       |
| values.py    | the protocol's values as plain ones                                                   |
| imports.py   | part of a large package, without the time that all of it takes to import              |
| tries.py     | when a program's write that Azure refused is tried again                              |
| wait.py      | waiting: progress, deadline, Ctrl-C                                                   |
"""
