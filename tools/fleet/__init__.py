"""`python -m tools.fleet`: many domains in one file, a stack for each of its shards; docs/fleet.md.

| file        | what stands there                                                        |
|-------------|--------------------------------------------------------------------------|
| __main__.py | the command line                                                         |
| plan.py     | what each kind of hosting needs and costs                                |
| side_by_side.py | preview, up, status and init, as typed; docs/scale.md                |
| stacks.py   | which stacks the fleet has, and what each goes by                        |
| run.py      | runs them side by side: engine.py starts and ends the engines, progress.py shows how far it is |
| status.py   | how each stack stands; new_stacks.py makes those that are missing        |
| keep.py     | add, import, set, remove, pack, export                                   |
| report.py   | show, check                                                              |
| change.py   | a change: checked, shown, agreed to, written                             |
| assign.py   | which shard and site a new row gets                                      |
| sites.py    | `site` in a stack's policies                                             |
"""
