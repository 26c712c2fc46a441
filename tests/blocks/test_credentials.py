"""Credentials and storage as Prefect blocks: kept secret, checked when they are made, found again by name."""

import os
import subprocess
import sys

import httpx
import pytest
from pydantic import SecretStr

pytestmark = pytest.mark.usefixtures("prefect")

SECRET = "sk-never-to-be-shown"
BLOCKS = {
    "DashScopeCredentials": "dashscope-credentials",
    "ApiyiCredentials": "apiyi-credentials",
    "VideoStorage": "video-storage",
}


@pytest.fixture(scope="module")
def blocks():
    """The package, first used once the server is there."""
    import blocks

    return blocks


def refused(make) -> str:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the text is what callers look at
        make()
    assert SECRET not in str(caught.value) + repr(caught.value)
    return str(caught.value)


def test_credentials_are_saved_and_found_again_by_name(blocks):
    blocks.DashScopeCredentials(api_key=SECRET, region="cn-beijing", workspace_id="ws-1").save("studio")
    found = blocks.DashScopeCredentials.load("studio")
    assert found.api_key.get_secret_value() == SECRET
    client = found.get_client()
    assert (client.base_url, client.endpoint_region) == ("https://dashscope.aliyuncs.com/api/v1", "cn-beijing")
    blocks.ApiyiCredentials(api_key=SECRET).save("gateway")
    assert blocks.ApiyiCredentials.load("gateway").get_client().base_url == "https://api.apiyi.com"


def test_storage_is_saved_with_all_its_secrets_and_found_again(blocks, tmp_path):
    options = {"auto_mkdir": True, "token": "a-secret-token"}
    blocks.VideoStorage(url=str(tmp_path), options=options).save("edited")
    found = blocks.VideoStorage.load("edited")
    assert found.options.get_secret_value() == options
    found.get_store().write("a.mp4", b"x")
    assert (tmp_path / "a.mp4").read_bytes() == b"x"


def test_secrets_are_shown_masked_and_leave_the_server_masked(blocks, prefect, tmp_path):
    storage = blocks.VideoStorage(
        url="s3://videos", access_key_id=SECRET, secret_access_key=SECRET, options={"token": SECRET}
    )
    shown = [storage, blocks.DashScopeCredentials(api_key=SECRET), blocks.ApiyiCredentials(api_key=SECRET)]
    for number, block in enumerate(shown):
        assert SECRET not in block.model_dump_json() + repr(block) + str(block)
        block.save(f"masked-{number}", overwrite=True)
    documents = httpx.post(f"{prefect}/block_documents/filter", json={}).text
    assert "********" in documents
    assert SECRET not in documents


@pytest.mark.parametrize("name", BLOCKS)
def test_a_block_is_presented_as_prefect_asks_for(blocks, name):
    block = getattr(blocks, name)
    assert block.get_block_type_slug() == BLOCKS[name]
    assert str(block._logo_url).startswith("https://")
    assert str(block._documentation_url).startswith("https://")
    assert block.get_description()
    example = block.get_code_example()
    assert f"{name}.load(" in example
    compile(example.strip().removeprefix("```python").removesuffix("```"), name, "exec")
    for field in block.model_fields.values():
        assert field.title and field.description


@pytest.mark.parametrize(
    ("settings", "url", "region"),
    [
        ({}, "https://dashscope-intl.aliyuncs.com/api/v1", "ap-southeast-1"),
        ({"region": "cn-beijing"}, "https://dashscope.aliyuncs.com/api/v1", "cn-beijing"),
        ({"region": "us-east-1"}, "https://dashscope-us.aliyuncs.com/api/v1", "us-east-1"),
        (
            {"region": "eu-central-1", "workspace_id": "ws-1"},
            "https://ws-1.eu-central-1.maas.aliyuncs.com/api/v1",
            "eu-central-1",
        ),
        (
            {"base_url": "https://ws-1.ap-northeast-1.maas.aliyuncs.com/api/v1/"},
            "https://ws-1.ap-northeast-1.maas.aliyuncs.com/api/v1",
            "ap-northeast-1",
        ),
        (
            {"base_url": "https://proxy.example/api/v1", "region": "cn-beijing"},
            "https://proxy.example/api/v1",
            "cn-beijing",
        ),
        ({"base_url": "http://127.0.0.1:8710/api/v1"}, "http://127.0.0.1:8710/api/v1", "ap-southeast-1"),
    ],
)
def test_key_region_and_address_belong_together(blocks, settings, url, region):
    client = blocks.DashScopeCredentials(api_key=SECRET, **settings).get_client()
    assert (client.base_url, client.endpoint_region) == (url, region)
    assert SECRET not in client.account


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"region": "mars"}, "unknown region 'mars'; DashScope's regions are ap-southeast-1"),
        ({"region": "eu-central-1"}, "set DASHSCOPE_WORKSPACE_ID"),
        ({"workspace_id": "a.evil.example/"}, "letters, digits"),
        ({"base_url": "http://dashscope.aliyuncs.com/api/v1"}, "would send the key unencrypted"),
        ({"base_url": "https://dashscope.aliyuncs.com/api/v1", "region": "us-east-1"}, "keep one of them"),
        ({"base_url": f"https://user:{SECRET}@dashscope.aliyuncs.com"}, "must not hold credentials"),
    ],
)
def test_what_does_not_fit_together_is_refused_without_showing_the_key(blocks, settings, said):
    assert said in refused(lambda: blocks.DashScopeCredentials(api_key=SECRET, **settings))


def test_the_gateways_address_keeps_the_key_safe_too(blocks):
    said = refused(lambda: blocks.ApiyiCredentials(api_key=SECRET, base_url="http://api.apiyi.com"))
    assert "would send the key unencrypted" in said


@pytest.mark.parametrize("name", ["DashScopeCredentials", "ApiyiCredentials"])
@pytest.mark.parametrize("key", ["", "  ", f"{SECRET} x", f"{SECRET}\nX-Evil: 1", f"{SECRET}钥"])
def test_a_key_that_is_none_is_refused_without_showing_it(blocks, name, key):
    assert "the API key is empty or holds characters" in refused(lambda: getattr(blocks, name)(api_key=key))


def test_space_around_a_key_is_nobodys_intention(blocks):
    assert blocks.ApiyiCredentials(api_key=f" {SECRET}\n").api_key.get_secret_value() == SECRET


def test_half_a_pair_of_storage_keys_is_refused(blocks):
    assert "go together" in refused(lambda: blocks.VideoStorage(url="s3://videos", access_key_id=SECRET))


def test_options_of_the_wrong_shape_are_refused_without_showing_them(blocks):
    refused(lambda: blocks.VideoStorage(url="s3://videos", options=SECRET))


def test_the_environment_speaks_where_no_block_is_named(blocks, monkeypatch):
    for name, value in {
        "DASHSCOPE_API_KEY": f" {SECRET} ",
        "DASHSCOPE_API_REGION": "eu-central-1",
        "DASHSCOPE_WORKSPACE_ID": "ws-1",
        "APIYI_API_KEY": SECRET,
        "APIYI_BASE_URL": "https://vip.apiyi.com",
    }.items():
        monkeypatch.setenv(name, value)
    found = blocks.DashScopeCredentials.from_env()
    assert found.api_key.get_secret_value() == SECRET
    assert found.get_client().base_url == "https://ws-1.eu-central-1.maas.aliyuncs.com/api/v1"
    assert blocks.DashScopeCredentials.from_env("cn-beijing").get_client().endpoint_region == "cn-beijing"
    assert blocks.ApiyiCredentials.from_env().get_client().base_url == "https://vip.apiyi.com"


@pytest.mark.parametrize(
    ("name", "variable"), [("DashScopeCredentials", "DASHSCOPE_API_KEY"), ("ApiyiCredentials", "APIYI_API_KEY")]
)
@pytest.mark.parametrize("value", [None, "", "  "])
def test_a_missing_key_says_what_to_do_and_what_it_cost(blocks, monkeypatch, name, variable, value):
    if value is not None:
        monkeypatch.setenv(variable, value)
    said = refused(getattr(blocks, name).from_env)
    for hint in (f"set {variable}", name, "--credentials", "nothing was created"):
        assert hint in said


@pytest.mark.anyio
async def test_a_broken_block_is_not_taken_for_a_missing_one(blocks):
    from blocks.credentials import CredentialsMissing, load_credentials
    from flows.rules.job import Provider

    # The form in the Prefect UI saves what it is given.
    await blocks.ApiyiCredentials.model_construct(api_key=SecretStr(f"{SECRET} twice")).asave("broken")
    with pytest.raises(
        CredentialsMissing, match=r"block named 'broken' cannot be used \(api_key: .*no key has\)"
    ) as caught:
        await load_credentials(Provider.APIYI, "broken", None)
    assert SECRET not in str(caught.value)


@pytest.mark.anyio
async def test_a_named_block_is_loaded_and_a_missing_one_is_named(blocks, monkeypatch):
    from blocks.credentials import CredentialsMissing, load_credentials
    from flows.rules.job import Provider

    await blocks.ApiyiCredentials(api_key=SECRET).asave("team")
    assert (await load_credentials(Provider.APIYI, "team", None)).api_key.get_secret_value() == SECRET
    with pytest.raises(CredentialsMissing, match=r"no ApiyiCredentials block named 'nobody' is saved"):
        await load_credentials(Provider.APIYI, "nobody", None)
    monkeypatch.setenv("DASHSCOPE_API_KEY", SECRET)
    found = await load_credentials(Provider.DASHSCOPE, None, "cn-beijing")
    assert found.get_client().endpoint_region == "cn-beijing"


def test_the_block_types_are_registered_by_prefects_own_command(prefect):
    command = [sys.executable, "-m", "prefect", "block", "register"]
    for module, slugs in {
        "blocks.credentials": ["dashscope-credentials", "apiyi-credentials"],
        "blocks.storage": ["video-storage"],
    }.items():
        environment = os.environ | {"PREFECT_API_URL": prefect}
        result = subprocess.run(
            [*command, "-m", module], env=environment, capture_output=True, text=True, check=False, timeout=120
        )
        assert result.returncode == 0, result.stdout + result.stderr
        for slug in slugs:
            registered = httpx.get(f"{prefect}/block_types/slug/{slug}").json()
            assert registered["logo_url"] and registered["description"] and registered["code_example"]


@pytest.mark.parametrize(
    "package", ["blocks", "flows", "blocks.clients.dashscope", "flows.planning.plan", "flows.ledger.journal"]
)
def test_nothing_cheap_loads_prefect(package):
    script = f"import sys, {package}; sys.exit('prefect' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
