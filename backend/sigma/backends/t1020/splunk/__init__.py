"""SPL, for Splunk."""
