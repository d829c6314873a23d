"""`sigma-t1020 help`: the reference, a topic at a time."""

from __future__ import annotations

import sys

import click

from sigma_t1020 import docs
from sigma_t1020.cli.console import echo

# Tables lose words below 80 columns, and longer lines than 100 are hard to read, whatever the terminal's width.
_WIDTHS = (80, 100)


def _complete(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """The topics that a shell offers."""
    return [topic for topic in docs.TOPICS if topic.startswith(incomplete.lower())]


@click.command(name="help")
@click.argument("topic", required=False, metavar="[TOPIC]", shell_complete=_complete)
def help_topic(topic: str | None) -> None:
    """Explain a topic such as schedule, or list the topics.

    A terminal shows the text formatted. Through a pipe it is Markdown: sigma-t1020 help limits | less
    """
    if topic is None:
        echo(_list_of_topics())
        return
    name = topic.lower()
    if name not in docs.TOPICS:
        raise click.UsageError(_no_such_topic(topic))
    text = docs.text(name)
    if sys.stdout is not None and sys.stdout.isatty():
        import shutil

        text = formatted(text, shutil.get_terminal_size().columns)
    echo(text)


def _list_of_topics() -> str:
    width = max(map(len, docs.TOPICS))
    lines = [f"  {topic:{width}}  {docs.title(topic)}" for topic in docs.TOPICS]
    return "\n".join(
        [
            "Topics:",
            "",
            *lines,
            "",
            "Read one with `sigma-t1020 help TOPIC`. `sigma-t1020 COMMAND --help` lists the options of a command.",
            "",
        ]
    )


def _no_such_topic(topic: str) -> str:
    import difflib

    from sigma_t1020.problems import shown

    near = difflib.get_close_matches(topic[:60].lower(), docs.TOPICS, n=3, cutoff=0.6)
    guess = f"did you mean {' or '.join(near)}? The" if near else "the"
    return f"no topic {shown(topic)}; {guess} topics are {', '.join(docs.TOPICS)}"


def formatted(markdown: str, columns: int) -> str:
    """Markdown as a terminal of so many columns shows it, with its colours."""
    from io import StringIO

    from rich.console import Console
    from rich.markdown import Markdown

    text = StringIO()
    narrowest, widest = _WIDTHS
    width = min(max(columns, narrowest), widest)
    Console(file=text, width=width, force_terminal=True).print(Markdown(markdown, code_theme="ansi_dark"))
    return "".join(line.rstrip() + "\n" for line in text.getvalue().splitlines())
