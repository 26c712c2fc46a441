"""Model, address and key must share a region: which address a configuration means."""

import pytest

from flows.rules.addresses import AddressRefused
from flows.rules.catalog import REGIONS
from flows.rules.regions import dashscope_address

SHARED = {
    "ap-southeast-1": "https://dashscope-intl.aliyuncs.com/api/v1",
    "cn-beijing": "https://dashscope.aliyuncs.com/api/v1",
    "us-east-1": "https://dashscope-us.aliyuncs.com/api/v1",
    "cn-hongkong": "https://cn-hongkong.dashscope.aliyuncs.com/api/v1",
}
WORKSPACES_ONLY = ("eu-central-1", "ap-northeast-1")


def workspace(region: str) -> str:
    return f"https://ws-1.{region}.maas.aliyuncs.com/api/v1"


def test_the_regions_are_those_of_the_providers_page():
    assert set(REGIONS) == {*SHARED, *WORKSPACES_ONLY}


def test_without_any_setting_it_is_singapore():
    assert dashscope_address(None, None, None) == (SHARED["ap-southeast-1"], "ap-southeast-1")


@pytest.mark.parametrize("region", SHARED)
@pytest.mark.parametrize("workspace_id", [None, "ws-1"])
def test_a_region_has_its_shared_host_with_or_without_a_workspace(region, workspace_id):
    assert dashscope_address(region, None, workspace_id) == (SHARED[region], region)


@pytest.mark.parametrize("region", WORKSPACES_ONLY)
def test_a_region_without_shared_host_is_reached_through_the_workspace(region):
    assert dashscope_address(region, None, "ws-1") == (workspace(region), region)
    with pytest.raises(AddressRefused, match="set DASHSCOPE_WORKSPACE_ID"):
        dashscope_address(region, None, None)


@pytest.mark.parametrize(
    ("address", "region"),
    [*((address, region) for region, address in SHARED.items()), *((workspace(region), region) for region in REGIONS)],
)
def test_an_address_tells_its_region(address, region):
    assert dashscope_address(None, address, None) == (address, region)
    assert dashscope_address(region, f"{address}/", "ws-1") == (address, region)


@pytest.mark.parametrize("address", [SHARED["cn-beijing"], workspace("cn-beijing")])
def test_an_address_of_another_region_is_refused(address):
    with pytest.raises(AddressRefused, match="is in cn-beijing, but the region is set to us-east-1"):
        dashscope_address("us-east-1", address, None)


@pytest.mark.parametrize("address", ["https://proxy.example/api/v1", "http://127.0.0.1:8000/api/v1"])
def test_an_address_of_ones_own_is_taken_for_the_region_set(address):
    assert dashscope_address("cn-beijing", address, None) == (address, "cn-beijing")
    assert dashscope_address(None, address, None) == (address, "ap-southeast-1")


def test_a_workspace_host_of_an_unknown_region_is_taken_as_ones_own():
    assert dashscope_address("cn-beijing", workspace("mars-1"), None) == (workspace("mars-1"), "cn-beijing")


def test_an_unknown_region_is_refused_with_the_known_ones():
    with pytest.raises(AddressRefused, match=r"unknown region 'mars'.*ap-southeast-1, cn-beijing"):
        dashscope_address("mars", None, None)


@pytest.mark.parametrize("workspace_id", ["", "-ws", "ws.evil", "ws/x", "a" * 65, "wś", "evil.example#"])
def test_a_workspace_id_cannot_lead_elsewhere(workspace_id):
    with pytest.raises(AddressRefused, match="workspace id"):
        dashscope_address("eu-central-1", None, workspace_id)


def test_a_plain_http_address_is_refused():
    with pytest.raises(AddressRefused, match="unencrypted"):
        dashscope_address("cn-beijing", "http://dashscope.aliyuncs.com/api/v1", None)
