"""The KQL dialect, for Microsoft Sentinel and Microsoft Defender XDR."""
