"""What deploying takes from the environment, and the automations it leaves on a server."""

import asyncio
from pathlib import Path

import pytest
from prefect.blocks.notifications import CustomWebhookNotificationBlock
from prefect.client.orchestration import PrefectClient, get_client
from prefect.events.schemas.automations import AutomationCore

from deployments.automations import renew_automations
from deployments.prepare import values

QUIET = ["recut: crash silent runs", "recut: crash unstarted runs", "recut: resume crashed runs"]
TELLING = ["recut: notify of expiry", "recut: notify of trouble"]


def test_nothing_runs_by_itself_until_it_is_named():
    assert values({}) == {
        "environment": {"PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30"},
        "inbox_is_named": False,
        "manifest_is_named": False,
        "manifest_cron": "0 6 * * *",
        "manifest_timezone": "UTC",
    }


def test_settings_are_kept_with_the_deployments_but_no_key_no_password_and_no_path_of_the_deployers_machine():
    found = values(
        {
            "RECUT_RESULTS": "s3://videos/edited",
            "RECUT_INBOX": "inbox",
            "RECUT_MAX_COST": "50",
            "RECUT_STAGING": "sftp://team:of-the-team@files.example/staging",
            "RECUT_HOME": "/home/someone/.recut",
            "RECUT_RELAY_TOKEN": "the-token-of-the-relay",
            "RECUT_PROVIDER": "",
            "DASHSCOPE_API_KEY": "sk-of-the-team",
            "DASHSCOPE_API_REGION": "cn-beijing",
        }
    )
    assert found["environment"] == {
        "RECUT_RESULTS": "s3://videos/edited",
        "RECUT_INBOX": str(Path("inbox").absolute()),
        "RECUT_MAX_COST": "50",
        "DASHSCOPE_API_REGION": "cn-beijing",
        "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30",
    }
    assert found["inbox_is_named"]


def test_a_named_manifest_is_due_by_its_cron():
    found = values({"RECUT_MANIFEST": "s3://videos/jobs.csv", "RECUT_MANIFEST_CRON": "0 2 * * *"})
    assert (found["manifest"], found["manifest_cron"]) == ("s3://videos/jobs.csv", "0 2 * * *")
    assert found["manifest_is_named"]


def test_automations_notify_only_where_a_block_is_named_and_renewing_them_keeps_what_people_switched_off(prefect):
    async def renew_twice(client: PrefectClient) -> None:
        assert await renew_automations(client, None) == QUIET
        with pytest.raises(ValueError, match="Nothing was deployed"):
            await renew_automations(client, "custom-webhook/nobody")
        await CustomWebhookNotificationBlock(name="team", url="http://127.0.0.1:9").save("team", client=client)
        assert sorted(await renew_automations(client, "custom-webhook/team")) == sorted(QUIET + TELLING)

        (off,) = await client.read_automations_by_name(TELLING[0])
        await client.pause_automation(off.id)
        (changed,) = await client.read_automations_by_name(TELLING[1])
        ours = AutomationCore.model_validate(
            changed.model_dump(exclude={"id", "owner_resource"}) | {"description": "ours"}
        )
        await client.update_automation(changed.id, ours)
        await renew_automations(client, "custom-webhook/team")

        (still_off,) = await client.read_automations_by_name(TELLING[0])
        (renewed,) = await client.read_automations_by_name(TELLING[1])
        assert (still_off.id, still_off.enabled) == (off.id, False)
        assert (renewed.id, renewed.enabled) == (changed.id, True)
        assert renewed.description != "ours"

    async def main() -> None:
        async with get_client() as client:
            await renew_twice(client)

    asyncio.run(main())
