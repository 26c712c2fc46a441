"""What the commands do, one file each; `flows.cli` says how they are called."""
