"""What a training loop did: probes that are handed to it, and the replay that proves it from outside."""
