"""The journal, and what may be concluded from it when an answer was lost."""
