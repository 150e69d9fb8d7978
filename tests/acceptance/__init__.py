"""One whole life of a policy, the same on the local Azure and on a real subscription: `make acceptance`.

| file        | what stands there                                                     |
|-------------|-----------------------------------------------------------------------|
| life.py     | the steps, each with what must be so afterwards                       |
| answers.py  | what Azure says of resources, asked in a process of its own           |
| report.py   | the report: times, output and answers, without secrets                |
| __main__.py | the command for a real subscription: asks first, cleans up            |
"""
