"""The one network shape of all heads: backbone, feature pyramid, config, device."""
