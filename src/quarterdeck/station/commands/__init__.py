"""How a step's command runs: its order, its runner, its output and result, and the reads that judge it."""
