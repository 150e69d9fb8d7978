"""Readers of what strangers write, given what nobody would: `python -m fuzz`.

| file        | what stands there                                                     |
|-------------|-----------------------------------------------------------------------|
| targets.py  | the readers, what each may raise, and what holds of all that it reads |
| guided.py   | atheris: inputs are bent towards code that hasn't run yet             |
| drawn.py    | hypothesis: inputs are drawn and cut, where atheris isn't installed   |
"""
