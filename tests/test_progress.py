import io

from rich.console import Console

from monoglot.progress import SILENT, Terminal


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


def test_quiet_when_piped():
    stream = io.StringIO()
    terminal = Terminal(Console(file=stream))
    for progress in (terminal, SILENT):
        with progress.task("work", 1) as advance:
            advance(1)
        progress.note("done")
    assert stream.getvalue() == ""
