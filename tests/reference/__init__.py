"""The project's reference: what Sigma rules and correlations mean, in plain Python.

Written from the Sigma specification 2.x and independent of pySigma: rules are the plain mappings that YAML
gives, events are `Event`. Every backend's queries are compared with it.

- `events`: the canonical event.
- `meaning`: which events a rule matches; `conditions`, `modifiers`, `patterns`, `regexes`, `encodings`: its parts.
- `correlation`: the four correlation types over a log; `chains`: their combinations of events.
- `generators`: labelled pairs of rule and event, and logs for correlations (built by `texts`, `atoms`,
  `pairs`, `logs`).
"""
