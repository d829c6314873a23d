"""Tests of the command line: what it prints, writes and says, and with which exit status."""
