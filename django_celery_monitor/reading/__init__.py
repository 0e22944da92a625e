"""What pages and API ask of the kept rows; never writes."""
