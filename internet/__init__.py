"""DNS, HTTPS and SMTP as a sender sees them; whoever looks at the internet looks through here."""

from dns import _features  # pyright: ignore[reportPrivateUsage]

# Nothing here asks DNS over HTTPS. Its client, where it is installed, takes longer to import than the rest of
# dnspython.
_features.force("doh", False)
