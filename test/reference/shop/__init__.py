"""The service that Yoozak Clients replaces, as small as it can be and still answer the same."""
