"""--max-cost holds for a manifest as a whole, over kills and reruns; what was spent is what is billed."""

from decimal import Decimal

from tests.guarantees.command import Team
from tests.guarantees.evidence import assert_spend_is_the_bill, billed, spent, tasks_of
from tests.guarantees.killing import Moment, hang, kill

NAMES = ["one", "two", "three"]


def test_a_cap_is_kept_over_a_kill_and_a_rerun_to_the_cent(team: Team):
    manifest = team.manifest(*(team.job(name) for name in NAMES))
    price = Decimal(str(team.run("plan", manifest, "--json").json["cost"]["amount"]))
    too_little = price - Decimal("0.01")

    refused = team.run("batch", manifest, "--max-cost", str(too_little))
    assert refused.code == 2
    assert f"{price.normalize():f}" in refused.err
    assert f"{too_little:f}" in refused.err
    assert all(name in refused.err for name in NAMES)
    assert team.emulator.counters().operations == {}

    first_look = Moment("its first look", fault=hang("get"), awaited=("get", "received", 1))
    kill(team, first_look, "batch", manifest, "--max-cost", str(price), RECUT_MAX_RUNNING="1")
    refused = team.run("batch", manifest, "--max-cost", str(too_little))
    assert refused.code == 2
    left_out = [name for name in NAMES if not tasks_of(team, name)]
    assert len(left_out) == 2
    assert f"Left out: {', '.join(left_out)}" in refused.err

    done = team.run("batch", manifest, "--max-cost", str(price), "--json")
    assert done.code == 0, done.said
    assert [len(tasks_of(team, name)) for name in NAMES] == [1, 1, 1]
    assert_spend_is_the_bill(team)
    assert spent(team) == billed(team)

    more = team.manifest(*(team.job(name) for name in (*NAMES, "four")))
    refused = team.run("batch", more, "--max-cost", str(price))
    assert refused.code == 2
    assert "Left out: four" in refused.err
    assert tasks_of(team, "four") == []
