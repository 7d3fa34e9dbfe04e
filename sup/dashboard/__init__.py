"""From the names that are logged to a dashboard and a report in W&B, by its library for both."""
