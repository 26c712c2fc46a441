"""The pure rules, tested as tables and properties."""
