"""KQL, for Microsoft Sentinel and Microsoft Defender XDR."""
