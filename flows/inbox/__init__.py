"""Turns what is dropped into an inbox into jobs: lists, reads, remembers, and says what is wrong."""
