"""Absolute addresses the provider hands out."""

from deployments.emulator.front import Call


def base_url(call: Call) -> str:
    """Scheme and host that the client reaches the emulator by."""
    return call.world.config.public_url or f"{call.request.url.scheme}://{call.request.url.netloc}"


def result_link(call: Call, result: str) -> str:
    """The signed address of a result; the same at every poll, since its expiry is the result's own."""
    expires = int(call.world.store.results[result].expires)
    return f"{base_url(call)}/{result}?{call.world.signer.query(f'/{result}', expires)}"
