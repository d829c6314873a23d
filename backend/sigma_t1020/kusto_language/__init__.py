"""Microsoft's own KQL parser, run in node, with the tables of Sentinel and Defender XDR."""
