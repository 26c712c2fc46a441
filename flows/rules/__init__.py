"""Pure decisions: no I/O, no clock, no Prefect. Everything they need is passed in."""
