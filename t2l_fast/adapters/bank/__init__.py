"""The bank: any number of registered adapters, and slots as a cache over them."""

from t2l_fast.adapters.bank.bank import AdapterBank
from t2l_fast.adapters.bank.lease import Lease
from t2l_fast.adapters.bank.store import AdapterStore

__all__ = ["AdapterBank", "AdapterStore", "Lease"]
