"""The SPL dialect, for Splunk."""
