"""Tables, queries, migrations and the effect queue, on SQLAlchemy."""
