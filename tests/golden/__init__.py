"""A folder a dialect feature: rules, what they become on each target, and events that tell right from wrong.

    rule.yml          Sigma documents, one idea, each with an id and a name; the comment says what they show
    options.yml       optional: lookback, schedule, delay, `format: combined`
    events.yml        labelled canonical events (see cases.py); a case that is refused altogether has none
    <target>.<kql>    generated: the queries, as `convert --format query` prints them
    <target>.error    generated: what is refused, as `convert` reports it

`pytest tests/golden --update-golden` writes the generated files; read the diff before it is committed.
"""
