"""Reports that strangers may send."""

from datetime import date

TODAY = date(2026, 3, 1)
