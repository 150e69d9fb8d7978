"""`python -m tools.fleet`: many domains in one file, a stack for each of its shards; docs/fleet.md.

| file        | what stands there                                                        |
|-------------|--------------------------------------------------------------------------|
| __main__.py | the command line                                                         |
| plan.py     | what each kind of hosting needs and costs                                |
"""
