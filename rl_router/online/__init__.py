"""Learning while serving: contextual bandits whose feedback comes late, in part, and to several workers at once."""
