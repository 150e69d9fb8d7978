"""Static Web Apps' data plane: `hosting` serves, `upload` takes what the deploy client sends."""
