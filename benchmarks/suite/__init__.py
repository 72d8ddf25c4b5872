"""Builder of the built-in suite; the package ships the Parquet file that it writes."""
