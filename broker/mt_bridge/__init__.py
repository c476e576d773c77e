"""The venue behind the Expert Advisor: orders become commands, snapshots its answers."""
