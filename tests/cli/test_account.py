import json
from typing import Any


def test_accounts_balances_and_positions_are_shown(cli: Any) -> None:
    shown = cli("account", "-e", "offline", "--json")
    assert shown.code == 0
    records = [json.loads(line) for line in shown.lines]
    assert {record["type"] for record in records} >= {"account", "balance"}


def test_one_account_is_shown_alone(cli: Any) -> None:
    records = [json.loads(line) for line in cli("account", "-e", "offline").lines]
    chosen = next(record["account_id"] for record in records if record["type"] == "account")
    shown = [json.loads(line) for line in cli("account", "-e", "offline", "--account", chosen).lines]
    assert {record.get("account_id") or record["account"] for record in shown} == {chosen}
