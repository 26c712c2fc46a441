"""Storage for results, journal and staging, saved once as a Prefect block."""

from typing import Any, Self

from prefect.blocks.core import Block
from prefect.types import SecretDict
from pydantic import ConfigDict, Field, HttpUrl, SecretStr, model_validator

from blocks.clients.store import Store


class VideoStorage(Block):
    """A folder on any storage fsspec knows, with its secrets.

    Example:
        ```python
        from blocks import VideoStorage

        VideoStorage(url="s3://videos/edited", endpoint_url="https://minio.example", access_key_id="…",
                     secret_access_key="…").save("edited")
        store = VideoStorage.load("edited").get_store()
        ```
    """

    model_config = ConfigDict(hide_input_in_errors=True)  # what was wrong may be a secret

    _block_type_name = "Video Storage"
    _block_type_slug = "video-storage"
    _logo_url = HttpUrl("https://avatars.githubusercontent.com/u/65479552")
    _documentation_url = HttpUrl("https://filesystem-spec.readthedocs.io/en/latest/api.html#implementations")
    _description = "A folder on any fsspec storage: local disk, S3, MinIO, OSS, GCS, Azure."

    url: str = Field(title="URL", description="Path or fsspec URL of the folder, such as s3://bucket/prefix.")
    endpoint_url: str | None = Field(
        default=None, title="Endpoint URL", description="Address of an S3-compatible storage other than AWS."
    )
    access_key_id: SecretStr | None = Field(
        default=None, title="Access key ID", description="Key id of the storage; default: its environment's."
    )
    secret_access_key: SecretStr | None = Field(
        default=None, title="Secret access key", description="Secret that goes with the key id."
    )
    options: SecretDict = Field(
        default=SecretDict({}),
        title="Options",
        description="Further options of the fsspec file system; kept secret as a whole.",
    )

    @model_validator(mode="after")
    def _both_halves_of_a_key_or_none(self) -> Self:
        if (self.access_key_id is None) != (self.secret_access_key is None):
            raise ValueError("access key ID and secret access key go together; give both, or neither")
        return self

    def get_store(self) -> Store:
        """Returns the folder, ready to read and write."""
        options: dict[str, Any] = dict(self.options.get_secret_value())
        if self.endpoint_url:
            options["endpoint_url"] = self.endpoint_url
        if self.access_key_id and self.secret_access_key:
            options["key"] = self.access_key_id.get_secret_value()
            options["secret"] = self.secret_access_key.get_secret_value()
        return Store(self.url, options)
