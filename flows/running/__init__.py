"""What one run works with: settings, clients, stores, limits, clock, and who watches."""
