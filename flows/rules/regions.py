"""Which address belongs to which DashScope region. Model, address and key must share one, or calls fail."""

import re
from urllib.parse import urlsplit

from flows.rules.addresses import AddressRefused, checked_api_address
from flows.rules.catalog import REGIONS, SINGAPORE

#: The founding page's examples are for Singapore.
DEFAULT_REGION = SINGAPORE
_WORKSPACE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_WORKSPACE_HOST = re.compile(r"[^.]+\.([a-z0-9-]+)\.maas\.aliyuncs\.com")


def dashscope_address(region: str | None, base_url: str | None, workspace_id: str | None) -> tuple[str, str]:
    """Returns API address and region for what a team configured.

    Args:
        region: Region name such as ``cn-beijing``; None takes it from the address, else the default.
        base_url: Address ending in ``/api/v1``; None takes the region's own.
        workspace_id: With it, and no address, the workspace's own host is used where the region has no shared one.

    Raises:
        AddressRefused: Unknown region, contradiction, or no address to be had.
    """
    if region is not None and region not in REGIONS:
        raise AddressRefused(f"unknown region {region!r}; DashScope's regions are {', '.join(REGIONS)}")
    if workspace_id is not None and not _WORKSPACE_ID.fullmatch(workspace_id):
        raise AddressRefused("the workspace id may hold letters, digits, - and _ only")
    if base_url is not None:
        address = checked_api_address(base_url)
        stated = _region_of(address)
        if region is not None and stated is not None and region != stated:
            raise AddressRefused(f"{address} is in {stated}, but the region is set to {region}; keep one of them")
        return address, stated or region or DEFAULT_REGION
    chosen = REGIONS[region or DEFAULT_REGION]
    if chosen.shared_host is not None:
        return f"https://{chosen.shared_host}/api/v1", chosen.name
    if workspace_id is None:
        raise AddressRefused(f"{chosen.name} has workspace addresses only; set DASHSCOPE_WORKSPACE_ID")
    return f"https://{chosen.workspace_host(workspace_id)}/api/v1", chosen.name


def _region_of(address: str) -> str | None:
    host = urlsplit(address).hostname or ""
    for region in REGIONS.values():
        if host == region.shared_host:
            return region.name
    workspace = _WORKSPACE_HOST.fullmatch(host)
    return workspace[1] if workspace and workspace[1] in REGIONS else None
