"""The settings table, for the terminal and the README."""

from __future__ import annotations

import io

from rich.console import Console

from console import settings_table
from shared.setting.console import in_order
from shared.setting.sources import in_effect
from shared.settings import Settings, environment_name


def test_every_setting_has_a_row_with_its_variable_and_a_sentence() -> None:
    """In the order of declaration, those of the console last; none without a description."""
    rows = settings_table.rows()
    fields = in_order(Settings.model_fields)
    assert [row.name for row in rows] == [environment_name(field) for field in fields]
    assert [row.name for row in rows if not row.description.endswith(".")] == []


def test_defaults_are_written_as_one_would_set_them() -> None:
    """Numbers without trailing zeros, truth values in lower case, no secret's repr."""
    defaults = {row.name: row.default for row in settings_table.rows()}
    assert defaults["TRUNKLINE_DRAIN_S"] == "60"
    assert defaults["TRUNKLINE_MASK_NUMBERS"] == "true"
    assert defaults["OPENAI_API_KEY"] == ""
    assert float(defaults["TRUNKLINE_DRAIN_S"]) == Settings.model_fields["drain_s"].get_default()


def test_limits_choices_and_who_needs_it() -> None:
    """What a setting may be, and which role does not start without it."""
    rows = {row.name: row for row in settings_table.rows()}
    assert rows["TRUNKLINE_LEAD_MS"].choices == "40 to 1000"
    assert rows["TRUNKLINE_LOG_FORMAT"].choices == "auto or json or console"
    assert rows["TRUNKLINE_TOOL_TIMEOUT_S"].choices == "more than 0 to 120"
    assert rows["PUBLIC_URL"].required_by == "ingress"


def test_markdown_has_a_line_for_each_setting() -> None:
    """A head, a rule, the rows, a newline at the end; no bar inside a cell."""
    lines = settings_table.markdown().splitlines()
    assert len(lines) == 2 + len(Settings.model_fields)
    assert all(line.replace("\\|", "").count("|") == 4 for line in lines)
    assert settings_table.markdown().endswith("|\n")


def test_what_is_in_effect_and_where_it_comes_from() -> None:
    """For a terminal and for programs; of a secret its length."""
    found = in_effect(
        {"OPENAI_API_KEY": "sk-canary", "TRUNKLINE_LEAD_MS": "200"}, {"TRUNKLINE_VOICE": "cedar"}
    )
    rows = {row["name"]: row for row in settings_table.as_data(found)}
    assert (rows["TRUNKLINE_LEAD_MS"]["value"], rows["TRUNKLINE_LEAD_MS"]["origin"]) == ("200", "environment")
    assert (rows["TRUNKLINE_VOICE"]["value"], rows["TRUNKLINE_VOICE"]["origin"]) == ("cedar", ".env")
    assert (rows["TRUNKLINE_PORT"]["value"], rows["TRUNKLINE_PORT"]["origin"]) == ("8080", "default")
    assert rows["OPENAI_API_KEY"]["value"] == "set (9 characters)"
    output = io.StringIO()
    Console(file=output, width=200).print(settings_table.table(found))
    assert "canary" not in output.getvalue() + str(rows)
    assert "Default: 300." in output.getvalue()
