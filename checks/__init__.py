"""What a sender sees of a domain, what senders report, and so whether it is safe to enforce: `python -m checks`.

| file       | what stands there                                                             |
|------------|-------------------------------------------------------------------------------|
| finding.py | a check's outcome: pass, warn, fail or not checked, with evidence and way out  |
| domain.py  | the checks of one domain: records, policy, mail servers                        |
| judge.py   | from what was found to a line                                                  |
| mail.py    | one mail server: STARTTLS, TLS version, certificate                            |
| reading.py | TLS reports out of files, archives, mails and mailboxes                        |
| tally.py   | counts over any number of reports, in bounded memory                           |
| verdict.py | may the policy be enforced, and what to change                                 |
| show.py    | tables, JSON, a Prometheus text file; page.py, page.html: the page             |
"""
