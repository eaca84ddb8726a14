"""What every stage's command needs: command lines, provenance, devices and seeds, shard names."""
