"""What a learner talks to: checks, claims, progress, and whether the machine is ready."""
