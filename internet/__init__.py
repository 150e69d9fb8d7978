"""DNS, HTTPS and SMTP as a sender sees them; whoever looks at the internet looks through here."""
