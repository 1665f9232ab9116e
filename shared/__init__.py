"""What more than one service stands on: the published language, the log, the relay, subscriptions and the web edge."""
