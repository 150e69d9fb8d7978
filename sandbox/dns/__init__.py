"""DNS for the sandbox's zones: `view` looks things up, `server` speaks the protocol."""
