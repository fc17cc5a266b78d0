"""What a router would have earned on traffic that another one routed: from a gateway's log with propensities."""
