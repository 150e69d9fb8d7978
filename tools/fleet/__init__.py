"""`python -m tools.fleet`: many domains in one file, a stack for each of its shards; docs/fleet.md.

| file        | what stands there                                                        |
|-------------|--------------------------------------------------------------------------|
| __main__.py | the command line                                                         |
| plan.py     | what each kind of hosting needs and costs                                |
| project.py  | the stacks' files that have a fleet, and its rows                        |
| problems.py | everything that is wrong with it                                         |
| keep.py     | add, import, set, remove, pack, export                                   |
| report.py   | show, check                                                              |
| change.py   | a change: checked, shown, agreed to, written                             |
| csv_text.py | single rows of a file's text                                             |
| assign.py   | which shard and site a new row gets                                      |
| sites.py    | `site` in a stack's policies                                             |
"""
