from __future__ import annotations

import math
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quarterdeck.procedure.condition_lint import contradictions, unit_problems
from quarterdeck.procedure.conditions import (
    All,
    Any,
    Comparison,
    Condition,
    ConditionError,
    Metric,
    Node,
    Not,
    Over,
    Word,
    evaluate,
    metrics_of,
    parse,
    reads_of,
)
from quarterdeck.procedure.quantities import Quantity, as_quantity, parse_quantity, show


class Readings:
    """Metrics from a mapping; what is not there is unknown."""

    def __init__(self, values: Mapping[str, Quantity | str | None]) -> None:
        self.values = values

    def value(self, metric: str) -> Quantity | str | None:
        return self.values.get(metric)

    def over(self, function: str, metric: str, seconds: float) -> Quantity | None:
        value = self.values.get(f"{function}({metric}, {seconds:g})")
        return value if isinstance(value, Quantity) else None


def judge(text: str, **values: Quantity | str | None) -> bool | None:
    return evaluate(parse(text), Readings({name.replace("__", "."): value for name, value in values.items()}))


def test_the_examples_of_the_format_parse() -> None:
    condition = parse("p95(orders-api.latency, 1m) > 800ms or orders-api.status == critical")
    assert condition.root == Any(
        (
            Comparison(Over("p95", "orders-api.latency", 60.0), ">", Quantity(0.8, "s"), 1),
            Comparison(Metric("orders-api.status"), "==", Word("critical"), 40),
        )
    )
    assert metrics_of(condition) == ("orders-api.latency", "orders-api.status")
    assert reads_of(condition)[0] == Over("p95", "orders-api.latency", 60.0)


def test_names_hold_hyphens_and_keys_in_brackets() -> None:
    assert metrics_of(parse("a-b.storage[/var/log-1].used > 90% and c_d.value[checks.db.observedValue] < 5")) == (
        "a-b.storage[/var/log-1].used",
        "c_d.value[checks.db.observedValue]",
    )


def test_and_binds_before_or_and_not_before_both() -> None:
    condition = parse("a.x > 1 or not a.y > 2 and a.z > 3")
    assert isinstance(condition.root, Any)
    second = condition.root.items[1]
    assert isinstance(second, All)
    assert isinstance(second.items[0], Not)


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ("a.b > 5 + 3", 9, "no arithmetic"),
        ("a.b = 5", 5, "write `==`"),
        ("1 < a.b < 3", 9, "join two comparisons"),
        ("a.b", 4, "a comparison (< <= > >= == !=) is needed"),
        ("p99(a.b, 1m) > 3", 1, "did you mean `p95`?"),
        ("p95(a.b) > 3", 8, "needs a span"),
        ("p95(5, 1m) > 3", 5, "needs a metric"),
        ("p95(a.b, 99h) > 3", 10, "no span"),
        ("(a.b > 1", 9, "`)` is missing"),
        ("a.b > 1)", 8, "does not fit"),
        ("", 1, "ends too early"),
        ("a.b > 5 GigaB", 9, "does not fit"),
        ("a.b > 5x", 7, "is not a number with a known unit"),
        ("critical == ok", 1, "needs a metric"),
        ("1 < 2", 1, "needs a metric"),
        ("a.b > 1 && c.d < 2", 9, "write `and`"),
        ("a.b > 'x'", 7, "cannot stand"),
        ("not", 4, "ends too early"),
        ("a.b > nan", 0, ""),
        ("(" * 31 + "a.b > 1" + ")" * 31, 32, "nested deeper"),
        ("a.b > 1 or " * 300, 2000, "2,000 characters"),
    ],
)
def test_what_is_no_condition_is_said_with_its_column(text: str, column: int, message: str) -> None:
    if not message:
        assert judge(text, a__b=Quantity(1.0)) is None
        return
    with pytest.raises(ConditionError) as caught:
        parse(text)
    assert (caught.value.column, message in caught.value.message) == (column, True), caught.value


def test_a_condition_is_parsed_once() -> None:
    assert parse("a.b > 5") is parse("a.b > 5")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a.x > 5", True),
        ("a.x <= 5", False),
        ("a.x != 6", False),
        ("5 < a.x", True),
        ("a.x > 5 and a.gone > 1", None),
        ("a.x > 7 and a.gone > 1", False),
        ("a.x > 5 or a.gone > 1", True),
        ("a.x > 7 or a.gone > 1", None),
        ("not a.gone > 1", None),
        ("a.gone == a.gone", None),
        ("a.x > 5s", None),
        ("a.x > a.t", None),
        ("a.s == ok", True),
        ("a.s != critical", True),
        ("a.s == 5", None),
        ("a.u == ok", None),
        ("a.u != ok", None),
        ("a.u == unknown", True),
        ("b.status == unknown", True),
        ("b.status == ok", None),
        ("not (a.x > 5 and a.s == ok)", False),
    ],
)
def test_evaluation_has_three_values(text: str, expected: bool | None) -> None:
    values: dict[str, Quantity | str | None] = {
        "a.x": Quantity(6.0),
        "a.t": Quantity(6.0, "s"),
        "a.s": "ok",
        "a.u": "unknown",
    }
    assert evaluate(parse(text), Readings(values)) is expected


def test_functions_ask_for_their_span() -> None:
    readings = Readings({"avg(a.x, 300)": Quantity(6.0), "a.x": Quantity(1.0)})
    assert evaluate(parse("avg(a.x, 5m) > 5"), readings) is True
    assert evaluate(parse("avg(a.x, 1m) > 5"), readings) is None


def test_nan_is_unknown() -> None:
    assert judge("a.x < 5 or a.x >= 5", a__x=Quantity(math.nan)) is None


NAMES = ("a.x", "a.y", "b.z")
KLEENE = {True: 1.0, None: 0.5, False: 0.0}


def comparisons() -> st.SearchStrategy[Node]:
    return st.builds(
        Comparison,
        st.sampled_from([Metric(name) for name in NAMES]),
        st.sampled_from(["<", "<=", ">", ">=", "==", "!="]),
        st.integers(-3, 3).map(lambda value: Quantity(float(value))),
        st.just(1),
    )


def nodes() -> st.SearchStrategy[Node]:
    def grow(children: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
        several = st.lists(children, min_size=2, max_size=3).map(tuple)
        return st.one_of(st.builds(Not, children), st.builds(All, several), st.builds(Any, several))

    return st.recursive(comparisons(), grow, max_leaves=8)


def values() -> st.SearchStrategy[dict[str, Quantity | str | None]]:
    reading = st.one_of(st.none(), st.integers(-3, 3).map(lambda value: Quantity(float(value))))
    return st.fixed_dictionaries(dict.fromkeys(NAMES, reading))


def holds(node: Node, readings: dict[str, Quantity | str | None]) -> bool | None:
    return evaluate(Condition("", node), Readings(readings))


def by_kleene(node: Node, readings: dict[str, Quantity | str | None]) -> float:
    if isinstance(node, Comparison):
        return KLEENE[holds(node, readings)]
    if isinstance(node, Not):
        return 1 - by_kleene(node.item, readings)
    inner = [by_kleene(item, readings) for item in node.items]
    return min(inner) if isinstance(node, All) else max(inner)


@given(nodes(), values())
def test_the_logic_is_kleenes(node: Node, readings: dict[str, Quantity | str | None]) -> None:
    assert KLEENE[holds(node, readings)] == by_kleene(node, readings)


@given(nodes(), values(), values())
def test_learning_a_reading_never_turns_a_known_answer(
    node: Node, readings: dict[str, Quantity | str | None], more: dict[str, Quantity | str | None]
) -> None:
    before = holds(node, readings)
    learned = {name: more[name] if value is None else value for name, value in readings.items()}
    if before is not None:
        assert holds(node, learned) is before


def written(node: Node) -> str:
    if isinstance(node, Comparison):
        assert isinstance(node.left, Metric)
        assert isinstance(node.right, Quantity)
        return f"{node.left.name} {node.operator} {node.right.value:g}"
    if isinstance(node, Not):
        return f"not ({written(node.item)})"
    word = " and " if isinstance(node, All) else " or "
    return word.join(f"({written(item)})" for item in node.items)


@given(nodes(), values())
def test_what_is_written_means_what_was_meant(node: Node, readings: dict[str, Quantity | str | None]) -> None:
    assert evaluate(parse(written(node)), Readings(readings)) is holds(node, readings)


@given(nodes(), values())
def test_a_contradiction_is_never_true(node: Node, readings: dict[str, Quantity | str | None]) -> None:
    """What lint calls a contradiction at the top can hold for no readings at all."""
    top = All((node, node)) if not isinstance(node, All) else node
    found = contradictions(Condition("", top))
    if found and all(isinstance(item, Comparison) for item in top.items):
        assert holds(top, readings) is not True


@pytest.mark.parametrize(
    "text",
    [
        "a.x > 5 and a.x < 3",
        "a.x > 5 and not a.x > 3",
        "a.x == 1 and a.x == 2",
        "a.x == 1 and a.x != 1",
        "a.x >= 5 and a.x < 5",
        "5 < a.x and a.x < 1s and 3 > a.x",
        "a.s == ok and a.s == critical",
        "a.s == ok and a.s != ok",
        "b.y > 1 or (a.x > 5 and a.x < 3)",
        "not (a.x < 5 or a.x > 3)",
        "(a.x > 5 or a.x > 6) and a.x < 3",
        "avg(a.x, 1m) > 5 and avg(a.x, 1m) < 3",
        "a.x > a.x and b.y > 1",
    ],
)
def test_contradictions_on_one_metric_are_found(text: str) -> None:
    [found] = contradictions(parse(text))
    assert "can never be true" in found.message


@pytest.mark.parametrize(
    "text",
    [
        "a.x > 3 and a.x < 5",
        "a.x > 5 or a.x < 3",
        "a.x >= 5 and a.x <= 5",
        "a.x > 5 and b.x < 3",
        "avg(a.x, 1m) > 5 and avg(a.x, 5m) < 3",
        "(a.x > 5 or b.y > 1) and (a.x < 3 or b.y < 0)",
        "a.s != ok and a.s != critical",
        "a.x > 5",
        "not (a.x > 5 and a.x < 3)",
    ],
)
def test_what_can_be_true_is_no_contradiction(text: str) -> None:
    assert contradictions(parse(text)) == []


TYPES = {"here": "local", "api": "health_json"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("here.cpu > 5", "a share (%) is compared with a plain number"),
        ("here.storage[/].free < 90%", "bytes is compared with a share (%)"),
        ("here.cpu > here.memory", ""),
        ("here.cpu > here.load1", "a share (%) is compared with a plain number"),
        ("api.value[x] > 5 MiB", ""),
        ("api.value[x] == released", ""),
        ("rate(here.storage[/].free, 1m) < 5 MiB/s", ""),
        ("here.net_in > 5 MiB/s and here.load1 > 4 and api.latency > 300ms", ""),
        ("api.status == warn", "is no status; did you mean `warning`?"),
        ("api.latency == slow", "a time is compared with a status"),
        ("cpu.here > 5", "`cpu` is no target"),
    ],
)
def test_units_are_judged_by_the_targets_type(text: str, message: str) -> None:
    found = unit_problems(parse(text), TYPES, {})
    assert [message in problem.message for problem in found] == ([True] if message else [])


@pytest.mark.parametrize(
    ("text", "value", "unit"),
    [
        ("5 GiB", 5 * 2**30, "B"),
        ("5GiB", 5 * 2**30, "B"),
        ("1.5 kB", 1500, "B"),
        ("800ms", 0.8, "s"),
        ("5m", 300, "s"),
        ("1h30m", 5400, "s"),
        ("90%", 90, "%"),
        ("12/s", 12, "/s"),
        ("2 MiB/s", 2 * 2**20, "B/s"),
        ("-4e3", -4000, ""),
        (" 42 ", 42, ""),
    ],
)
def test_quantities_are_kept_in_base_units(text: str, value: float, unit: str) -> None:
    assert parse_quantity(text) == Quantity(value, unit)


@pytest.mark.parametrize("text", ["", "nan", "inf", "5 parsecs", "5 5", "1e999", "0x10", "1_000", "GiB", "٣"])
def test_what_is_no_quantity_is_none(text: str) -> None:
    assert as_quantity(text) is None


@pytest.mark.parametrize(
    ("quantity", "shown"),
    [
        (Quantity(5 * 2**30, "B"), "5.0 GiB"),
        (Quantity(0.412, "s"), "412 ms"),
        (Quantity(5400, "s"), "1h30m"),
        (Quantity(91.25, "%"), "91.2 %"),
        (Quantity(12, "/s"), "12/s"),
        (Quantity(3 * 2**20, "B/s"), "3.0 MiB/s"),
        (Quantity(0.4), "0.4"),
    ],
)
def test_quantities_are_shown_for_people(quantity: Quantity, shown: str) -> None:
    assert show(quantity) == shown


@given(st.text(max_size=80))
def test_no_text_breaks_the_parser(text: str) -> None:
    problem: ConditionError | None = None
    try:
        parse(text)
    except ConditionError as error:
        problem = error
    assert problem is None or (1 <= problem.column <= len(text) + 1 and str(problem).isprintable())
