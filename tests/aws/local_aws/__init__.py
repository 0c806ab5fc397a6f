"""A local AWS for the suite: the emulator, a recorder in front of it, the deployed stack and its operator."""
