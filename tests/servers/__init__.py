"""Real servers for the tests: `python -m tests.servers -- pytest`.

A server whose variable is set (TEST_REDIS_URL, TEST_RABBITMQ_URL, TEST_POSTGRESQL_URL,
TEST_MARIADB_URL, TEST_CHROMIUM) is used as it is. Of every other one a private instance is started
on free loopback ports, in one temporary folder, and both are gone when the command ends.
"""
