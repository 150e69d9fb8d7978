"""`python -m checks watch`: tells what is new, worse or mended since the last run, and nothing else (docs/watch.md).

seen.py      what a look finds wrong with a domain, what it finds well, and what it can't say
reported.py  the same of senders' reports
state.py     what was known at the last run, what has changed since, and what is still to be told
kept.py      where that is kept between runs, for one run at a time
message.py   the one message of a run
run.py       the command
"""
