"""Measurements that users run too: `t2l bench`."""
