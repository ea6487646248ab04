import io
import re
import time

import pytest
from rich.console import Console

from monoglot.progress import SILENT, Terminal, reporter


def test_nested_tasks_are_shown_and_vanish():
    stream = io.StringIO()
    terminal = Terminal(Console(file=stream, force_terminal=True, width=100))
    with terminal.task("outer", 2) as outer:
        outer(1)
        with terminal.task("inner") as inner:
            inner(1)
        terminal.note("inner is done")
        outer(1)
    text = stream.getvalue()
    assert all(word in text for word in ("outer", "inner", "inner is done", "50%"))
    assert not terminal._bars.tasks


def test_a_failing_task_leaves_no_bar():
    terminal = Terminal(Console(file=io.StringIO(), force_terminal=True))
    try:
        with terminal.task("fails"):
            raise ValueError
    except ValueError:
        pass
    assert not terminal._bars.live.is_started


def lines(*advances, total=100, pause_seconds=30.0):
    """What is printed to no terminal, by a clock that shows so many seconds at each advance."""
    now = [0.0]
    stream = io.StringIO()
    terminal = Terminal(Console(file=stream), clock=lambda: now[0], pause_seconds=pause_seconds)
    with terminal.task("counting [words]", total) as advance:
        for seconds, amount in advances:
            now[0] = seconds
            advance(amount)
    return stream.getvalue().splitlines()


def test_elsewhere_than_on_a_terminal_there_is_a_line_from_time_to_time():
    said = lines((10, 5), (31, 5), (45, 10), (62, 20), (3662, 10))
    assert [line[9:] for line in said] == [
        "counting [words] 10%, 0:04:39 left",
        "counting [words] 40%, 0:01:33 left",
        "counting [words] 50%, 1:01:02 left",
    ]
    assert all(re.fullmatch(r"\d\d:\d\d:\d\d", line[:8]) for line in said)


def test_short_work_has_no_line_and_unknown_totals_no_share():
    assert lines((1, 50), (2, 50)) == []
    assert [line[9:] for line in lines((40, 50), total=None)] == ["counting [words], 0:00:40 so far"]


def test_notes_have_the_time_elsewhere_and_python_functions_are_silent():
    stream = io.StringIO()
    Terminal(Console(file=stream)).note("corpus  done")
    assert re.fullmatch(r"\d\d:\d\d:\d\d corpus  done\n", stream.getvalue())
    with SILENT.task("work") as advance:
        advance(1)
    SILENT.note("done")
    assert stream.getvalue().count("\n") == 1


def test_work_that_counts_nothing_is_told_of_too():
    stream = io.StringIO()
    terminal = Terminal(Console(file=stream), pause_seconds=0.01)
    ended = time.monotonic() + 5
    with terminal.task("outer"), terminal.task("inner"):
        while "inner" not in stream.getvalue() and time.monotonic() < ended:
            time.sleep(0.01)
    assert re.search(r"^\d\d:\d\d:\d\d inner, 0:00:00 so far$", stream.getvalue(), re.MULTILINE)
    said = stream.getvalue()
    time.sleep(0.05)
    assert stream.getvalue() == said


def test_what_a_caller_chooses():
    assert reporter(False) is SILENT
    assert isinstance(reporter(True), Terminal)
    assert reporter(SILENT) is SILENT


@pytest.mark.parametrize("has_widgets", [True, False])
def test_a_notebook_has_bars_if_it_can_show_them(monkeypatch, has_widgets):
    monkeypatch.setattr("monoglot.progress._has_widgets", lambda: has_widgets)
    terminal = Terminal(Console(file=io.StringIO(), force_jupyter=True))
    assert terminal._bars.disable != has_widgets
