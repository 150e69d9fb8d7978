"""What a sender sees of a domain, what senders report, and so whether it is safe to enforce: `python -m checks`.

| file       | what stands there                                                             |
|------------|-------------------------------------------------------------------------------|
| finding.py | a check's outcome: pass, warn, fail or not checked, with evidence and way out  |
| domain.py  | the checks of one domain: records, policy, mail servers                        |
| judge.py   | from what was found to a line                                                  |
| look.py    | one domain while it is looked at, and how its checks are run                   |
| mail.py    | whether its policy allows its mail servers                                     |
| reading.py | TLS reports out of files, archives, mails and mailboxes; unpacking.py: within bounds |
| signed.py  | who signed the mail that a report came in                                      |
| tally.py   | counts over any number of reports, in bounded memory                           |
| verdict.py | may the policy be enforced, and what to change                                 |
| outlook.py | what is missing until then, and when that is likely to be reached              |
| shown.py   | strangers' text, made fit to be shown: all that follow put it through there    |
| show.py    | tables, JSON, a Prometheus text file; page.py, page.html: the page             |
| charts.py  | the numbers of the page's charts; charts.html draws them                       |
"""

import internet as internet  # before dnspython, which it tells what not to import
