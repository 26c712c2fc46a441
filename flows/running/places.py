"""Where results, journal and staging are: folders named by the settings, or saved blocks."""

from dataclasses import dataclass
from pathlib import Path

from blocks.clients.store import Store
from flows.ledger.journal import JOURNAL_FOLDER
from flows.running.settings import Settings


@dataclass(frozen=True)
class Places:
    """The stores of a run.

    Attributes:
        results: Where results go.
        journal: Where the records are.
        staging: Where local files are put for providers to fetch, None where there is no such place.
    """

    results: Store
    journal: Store
    staging: Store | None = None

    @property
    def known(self) -> tuple[Store, ...]:
        """The stores whose credentials also serve clips and images."""
        return (self.results, *([self.staging] if self.staging else []), self.journal)


def names_blocks(settings: Settings) -> bool:
    """Whether the settings name saved blocks, which only a Prefect server knows."""
    return settings.storage is not None or (settings.staging is not None and _is_block(settings.staging))


def refuse_passing_folders(settings: Settings) -> None:
    """Refuses results or journal in a relative folder, for runs that a Prefect worker starts.

    Such a run works in a temporary folder of its own, which the worker removes with everything in it.

    Raises:
        ValueError: They would be in it; nothing may be spent.
    """
    named = {"RECUT_RESULTS": None if settings.storage else settings.results, "RECUT_JOURNAL": settings.journal}
    for name, folder in named.items():
        if folder and "://" not in folder and not Path(folder).expanduser().is_absolute():
            raise ValueError(
                f"{name} is {folder}, a relative folder, and a deployed run's working directory is deleted when the "
                "run ends: paid results would be lost. Nothing was created. Give an absolute path or a bucket's URL, "
                "when deploying or in the worker's environment."
            )


async def open_places(settings: Settings) -> Places:
    """Opens the stores that the settings name.

    Raises:
        StorageFailed: No such storage is known.
        ValueError: No such block is saved.
    """
    results = await _saved(settings.storage) if settings.storage else Store(settings.results)
    journal = _named(settings.journal, results) if settings.journal else results.below(JOURNAL_FOLDER)
    if settings.staging is None:
        return Places(results, journal)
    staging = await _saved(settings.staging) if _is_block(settings.staging) else _named(settings.staging, results)
    return Places(results, journal, staging)


def _named(url: str, results: Store) -> Store:
    """Returns a store by its URL, with the credentials of the results where they are of the same kind."""
    return results.at(url) if results.options and url.startswith(f"{results.protocol}://") else Store(url)


def _is_block(name: str) -> bool:
    return "/" not in name and not name.startswith((".", "~"))


async def _saved(name: str) -> Store:
    from blocks.storage import VideoStorage  # Prefect takes a second to import, and only saved blocks need it

    block: VideoStorage = await VideoStorage.aload(name)
    return block.get_store()
