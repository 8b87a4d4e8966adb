"""Orders with FastAPI. Beside it: yoozak.py of examples/python."""

import logging
from typing import Optional

from fastapi import Depends, FastAPI, Header, HTTPException

import yoozak

app = FastAPI()
log = logging.getLogger("uvicorn.error")


def customer(authorization: Optional[str] = Header(None)) -> int:
    """The number of the customer who calls. Not async: the key set may have to be fetched."""
    scheme, _, token = (authorization or "").partition(" ")
    try:
        if scheme.lower() != "bearer":
            raise yoozak.Refused("no token")
        return yoozak.verify(token)["user_id"]
    except yoozak.Refused as e:
        log.info("access token refused: %s", e)
        problem = ', error="invalid_token"' if authorization else ""
        raise HTTPException(401, "Please log in.", {"WWW-Authenticate": f'Bearer realm="orders"{problem}'})
    except yoozak.Unavailable:
        raise HTTPException(503, "Please try again.", {"Retry-After": "10"})


@app.api_route("/orders", methods=["GET", "POST"])
def orders(customer: int = Depends(customer)):
    return {"customer": customer}
