"""The stack's configuration, typed and checked as a whole before anything is touched.

| file         | what stands there                                                       |
|--------------|-------------------------------------------------------------------------|
| stack.py     | `load`: the whole of a stack's configuration                            |
| policies.py  | `mta-sts:policies`: policies and their domains                          |
| fleet.py     | `mta-sts:fleet`: policies and their domains from CSV files              |
| rows.py      | the rows of these files                                                 |
| project.py   | the stacks' files that have a fleet, and its rows                       |
| problems.py  | everything that is wrong with a fleet                                   |
| operators.py | mail operators whose mail servers are known by a word                   |
| ladder.py    | `mta-sts:ladder`: the steps from testing to enforce                     |
| cost.py      | what hosting costs                                                      |
| reader.py    | reads one value of any kind, and collects every problem                 |
| engine.py    | how the engine hands configuration over                                 |

Every problem is told at once, a line each, with the key, the value and the way out:

    mta-sts:policies[0].domains[1]: 'https://example.org': write the mail domain alone, without the scheme

A new key is read in one of these files, and described in docs/configuration.md.
"""
