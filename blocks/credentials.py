"""Credentials of the two providers, saved once as Prefect blocks or taken from the environment."""

from typing import Self

from prefect.blocks.abstract import CredentialsBlock
from pydantic import ConfigDict, Field, HttpUrl, SecretStr, ValidationError, field_validator, model_validator

from blocks.clients.apiyi import ApiyiClient
from blocks.clients.dashscope import DashScopeClient
from blocks.environment import environment
from flows.rules.addresses import checked_api_address
from flows.rules.catalog import APIYI_HOSTS
from flows.rules.job import Provider
from flows.rules.regions import dashscope_address

#: How Prefect's error begins when no block has that name; any other one is about a block that is there.
_NO_SUCH_BLOCK = "Unable to find block document"


class CredentialsMissing(ValueError):
    """No usable key is configured."""


class DashScopeCredentials(CredentialsBlock):
    """An Alibaba Cloud Model Studio (DashScope) key and the region it belongs to.

    Example:
        ```python
        from blocks import DashScopeCredentials

        DashScopeCredentials(api_key="sk-…", region="ap-southeast-1").save("studio")
        client = DashScopeCredentials.load("studio").get_client()
        ```
    """

    model_config = ConfigDict(hide_input_in_errors=True)  # what was wrong may be the key

    _block_type_name = "DashScope Credentials"
    _block_type_slug = "dashscope-credentials"
    _logo_url = HttpUrl("https://avatars.githubusercontent.com/u/941070")
    _documentation_url = HttpUrl("https://www.alibabacloud.com/help/en/model-studio/wan-video-editing-api-reference")
    _description = "Key, region and workspace of an Alibaba Cloud Model Studio account."

    api_key: SecretStr = Field(title="API key", description="Key of the region below; keys do not work across regions.")
    region: str | None = Field(
        default=None,
        title="Region",
        description="Such as ap-southeast-1 or cn-beijing; default: the base URL's, else ap-southeast-1.",
    )
    base_url: str | None = Field(
        default=None,
        title="Base URL",
        description="API address ending in /api/v1; default: the region's own. Plain http is for loopback only.",
    )
    workspace_id: str | None = Field(
        default=None, title="Workspace ID", description="Sub-workspace; needed where a region has no shared host."
    )

    @field_validator("api_key")
    @classmethod
    def _a_key_is_there(cls, value: SecretStr) -> SecretStr:
        return _checked_key(value)

    @model_validator(mode="after")
    def _address_and_region_agree(self) -> Self:
        dashscope_address(self.region, self.base_url, self.workspace_id)
        return self

    @classmethod
    def from_env(cls, region: str | None = None) -> Self:
        """Returns credentials from ``DASHSCOPE_API_KEY`` and the other ``DASHSCOPE_*`` variables.

        Args:
            region: Overrides ``DASHSCOPE_API_REGION``.

        Raises:
            CredentialsMissing: ``DASHSCOPE_API_KEY`` is not set.
        """
        return cls(
            api_key=_key_from_env("DASHSCOPE_API_KEY", "DashScopeCredentials"),
            region=region or environment("DASHSCOPE_API_REGION"),
            base_url=environment("DASHSCOPE_HTTP_BASE_URL"),
            workspace_id=environment("DASHSCOPE_WORKSPACE_ID"),
        )

    def at(self, base_url: str, region: str) -> Self:
        """Returns these credentials for the address and region a provider task was created at."""
        return self.model_copy(update={"base_url": base_url, "region": region})

    def get_client(self) -> DashScopeClient:
        """Returns a client for this account and region."""
        address, region = dashscope_address(self.region, self.base_url, self.workspace_id)
        return DashScopeClient(self.api_key.get_secret_value(), address, region, self.workspace_id)


class ApiyiCredentials(CredentialsBlock):
    """An APIYI key: pay-as-you-go, of a group that includes Wan and HappyHorse.

    Example:
        ```python
        from blocks import ApiyiCredentials

        ApiyiCredentials(api_key="sk-…").save("studio")
        client = ApiyiCredentials.load("studio").get_client()
        ```
    """

    model_config = ConfigDict(hide_input_in_errors=True)  # what was wrong may be the key

    _block_type_name = "APIYI Credentials"
    _block_type_slug = "apiyi-credentials"
    _logo_url = HttpUrl("https://docs.apiyi.com/favicon.ico")
    _documentation_url = HttpUrl("https://docs.apiyi.com/en/api-capabilities/happyhorse/video-edit")
    _description = "Key of an APIYI account."

    api_key: SecretStr = Field(title="API key", description="Key of the APIYI console, starting with sk-.")
    base_url: str = Field(
        default=f"https://{APIYI_HOSTS[0]}",
        title="Base URL",
        description="Scheme and host of the gateway. Plain http is for loopback only.",
    )

    @field_validator("api_key")
    @classmethod
    def _a_key_is_there(cls, value: SecretStr) -> SecretStr:
        return _checked_key(value)

    @field_validator("base_url")
    @classmethod
    def _the_address_keeps_the_key_safe(cls, value: str) -> str:
        return checked_api_address(value)

    @classmethod
    def from_env(cls) -> Self:
        """Returns credentials from ``APIYI_API_KEY`` and ``APIYI_BASE_URL``.

        Raises:
            CredentialsMissing: ``APIYI_API_KEY`` is not set.
        """
        key = _key_from_env("APIYI_API_KEY", "ApiyiCredentials")
        address = environment("APIYI_BASE_URL")
        return cls(api_key=key, base_url=address) if address else cls(api_key=key)

    def at(self, base_url: str, region: str) -> Self:
        """Returns these credentials for the address a provider task was created at; there is but one region."""
        return self.model_copy(update={"base_url": base_url})

    def get_client(self) -> ApiyiClient:
        """Returns a client for this account."""
        return ApiyiClient(self.api_key.get_secret_value(), self.base_url)


async def load_credentials(
    provider: Provider, name: str | None, region: str | None
) -> DashScopeCredentials | ApiyiCredentials:
    """Returns a provider's credentials: the saved block of that name, else the environment's.

    Raises:
        CredentialsMissing: Neither is there, or the block is broken.
    """
    kind = DashScopeCredentials if provider is Provider.DASHSCOPE else ApiyiCredentials
    if name is not None:
        try:
            return await kind.aload(name)
        except (ValueError, RuntimeError) as error:
            if str(error).startswith(_NO_SUCH_BLOCK):
                raise CredentialsMissing(
                    f"no {kind.__name__} block named {name!r} is saved; save one in the Prefect UI, "
                    "or leave --credentials out to use the environment; nothing was created"
                ) from error
            if not isinstance(error.__cause__, ValidationError):
                raise
            raise CredentialsMissing(
                f"the {kind.__name__} block named {name!r} cannot be used ({_problems(error.__cause__)}); mend it in "
                "the Prefect UI; nothing was created"
            ) from None
    if provider is Provider.DASHSCOPE:
        return DashScopeCredentials.from_env(region)
    return ApiyiCredentials.from_env()


def _problems(error: ValidationError) -> str:
    """Returns what is wrong with a block, without its values: one may be the key."""
    details = error.errors(include_url=False, include_input=False, include_context=False)
    return "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}".removeprefix(": ") for each in details)


def _key_from_env(variable: str, block: str) -> SecretStr:
    key = environment(variable)
    if key is None:
        raise CredentialsMissing(
            f"no key: set {variable}, or save one as a block ({block}) and name it with --credentials; "
            "nothing was created"
        )
    try:
        return _checked_key(SecretStr(key))
    except ValueError as error:
        raise ValueError(f"{variable}: {error}") from None


def _checked_key(value: SecretStr) -> SecretStr:
    key = value.get_secret_value().strip()
    if not key or not key.isascii() or not key.isprintable() or " " in key:
        raise ValueError("the API key is empty or holds characters no key has")
    return SecretStr(key)
