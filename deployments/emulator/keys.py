"""Which keys are accepted, and whose they are. Only aliases leave this module."""

from deployments.emulator.catalog import Provider
from deployments.emulator.config import EmulatorConfig


class KeyRing:
    """Maps API keys to account aliases.

    Args:
        config: Names the accepted keys and the accounts they belong to.
    """

    def __init__(self, config: EmulatorConfig) -> None:
        self._aliases = {key.get_secret_value(): alias for alias, keys in config.accounts.items() for key in keys}
        self._accepted = {key.get_secret_value() for key in config.keys}
        self._any = not self._accepted and not self._aliases
        self._met: dict[tuple[Provider, str], str] = {}

    def account(self, provider: Provider, key: str) -> str | None:
        """The alias of the account a key belongs to, or None when the key is not accepted.

        A key that no account names is an account of its own: `account-1`, `account-2`, … as they come.
        The two providers keep separate accounts.
        """
        if key in self._aliases:
            return self._aliases[key]
        if key not in self._accepted and not (self._any and key.startswith("sk-") and len(key) > len("sk-")):
            return None
        own = f"account-{sum(1 for known, _ in self._met if known == provider) + 1}"
        return self._met.setdefault((provider, key), own)
