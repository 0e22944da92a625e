"""The broker that the demo starts when no ``DEMO_BROKER_URL`` names one."""
