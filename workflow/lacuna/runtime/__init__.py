"""What every stage needs: command line, device, resuming, provenance."""
