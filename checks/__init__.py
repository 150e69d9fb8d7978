"""What a sender sees of a domain, what senders report, and so whether it is safe to enforce: `python -m checks`.

| file       | what stands there                                                             |
|------------|-------------------------------------------------------------------------------|
| finding.py | a check's outcome: pass, warn, fail or not checked, with evidence and way out  |
| domain.py  | the checks of one domain: records, policy, mail servers                        |
| judge.py   | from what was found to a line                                                  |
| look.py    | one domain while it is looked at, and how its checks are run                   |
| mail.py    | whether its policy allows its mail servers                                     |
| secure.py  | the checks that need DNSSEC: the zone's signatures, DANE                       |
| gather.py  | what the commands go by: looks, and reports from all sources                   |
| sources/   | where reports come from: files, mailboxes by Graph and IMAP                    |
| history.py | what was reported so far, kept between runs; blob.py: in Azure Storage; kept.py: the command |
| reading.py | TLS reports out of files, archives, mails and mailboxes; unpacking.py: within bounds |
| signed.py  | who signed the mail that a report came in                                      |
| tally.py   | counts over any number of reports, in bounded memory                           |
| verdict.py | may the policy be enforced, and what to change                                 |
| outlook.py | what is missing until then, and when that is likely to be reached              |
| ladder.py  | what to change next in a stack's file or a fleet's rows; since.py: how long they stand so |
| evidence.py | what that goes by; steps.py: of one domain, due.py: of a fleet, for `enforce`     |
| written.py | what it has to know of where policies are written; edit.py: one change there      |
| stack_text.py | makes changes in a stack's file; fleet_text.py in rows, by csv_text.py; replace.py writes files |
| watch/     | what is new, worse or mended since the last run; notify.py tells it            |
| shown.py   | strangers' text, made fit to be shown: all that follow put it through there    |
| show.py    | tables, JSON, a Prometheus text file; page.py, page.html: the page             |
| fleet.py   | all domains of a fleet file at once; fleet.html: their page                    |
| charts.py  | the numbers of the page's charts; charts.html draws them                       |
"""

import internet as internet  # before dnspython, which it tells what not to import
