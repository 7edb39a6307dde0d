"""Whether a wheel will import and run on WASI, and what it gives away: everything that can be known without running it."""
