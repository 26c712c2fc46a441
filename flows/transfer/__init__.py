"""Bytes on their way: to the provider, and back."""
