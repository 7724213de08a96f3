"""The Lambda functions: the cached API, the webhook of the database, the scheduled jobs."""
