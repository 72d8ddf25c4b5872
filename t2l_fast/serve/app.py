"""The server's application, under the name that programs import it by."""

from t2l_fast.serve.http.app import create_app

__all__ = ["create_app"]
